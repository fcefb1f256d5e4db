import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { load } from '../config/sources.ts';

function told(env: Readonly<Record<string, string>> = {}): readonly [mode: string, slowUs: number] {
  const { emit, thresholds } = kernelOptionsOf(load({ env }));
  return [emit.exchange, thresholds.exchangeUs];
}

test('exchanges are told by their mode, and where responses are met as they arrive', () => {
  assert.deepEqual(told(), ['correlated', 500_000]);
  assert.deepEqual(told({ WIRESPAN_SPANS_TCP_EXCHANGE: 'always' }), ['on', 500_000]);
  assert.deepEqual(told({ WIRESPAN_SPANS_TCP_EXCHANGE: 'off' }), ['off', 500_000]);
  assert.deepEqual(told({ WIRESPAN_THRESHOLDS_EXCHANGE: '20ms' }), ['correlated', 20_000]);
  for (const http1 of ['clients', 'off'])
    assert.equal(
      told({ WIRESPAN_SPANS_TCP_EXCHANGE: 'always', WIRESPAN_CORRELATION_HTTP1: http1 })[0],
      'off',
    );
});

test('the histogram of phases wants all of them, whichever have a span', () => {
  const on = { WIRESPAN_METRICS_TCP_EXCHANGE_PHASE_DURATION: 'on' };
  const asked = (env: Readonly<Record<string, string>>): readonly [mode: string, phases: boolean] => {
    const { emit, exchangePhases } = kernelOptionsOf(load({ env }));
    return [emit.exchange, exchangePhases];
  };
  assert.deepEqual(asked({}), ['correlated', false]);
  for (const mode of ['always', 'eventful', 'off'])
    assert.deepEqual(asked({ ...on, WIRESPAN_SPANS_TCP_EXCHANGE: mode }), ['on', true]);
  assert.deepEqual(asked({ WIRESPAN_SPANS_EXCHANGE_PHASES: 'on' }), ['correlated', true]);
  for (const http1 of ['clients', 'off'])
    assert.deepEqual(asked({ ...on, WIRESPAN_CORRELATION_HTTP1: http1 }), ['off', false]);
});
