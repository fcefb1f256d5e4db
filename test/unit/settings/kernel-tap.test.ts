import assert from 'node:assert/strict';
import { it } from 'node:test';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { load } from '../config/sources.ts';

/** What is told of retransmissions with the tap, when nothing else asks for them. */
function told(env: Readonly<Record<string, string>>): string {
  const off = ['CORRELATION_HTTP1', 'CORRELATION_HOOK', 'CORRELATION_THREAD_CONTEXT'];
  const settings = {
    ...Object.fromEntries(off.map((name) => [`WIRESPAN_${name}`, 'off'])),
    WIRESPAN_CORRELATION_OTLP_TAP_ENABLED: 'on',
    WIRESPAN_OTLP_ENDPOINT: 'http://collector:4317',
    WIRESPAN_EVENTS_TCP_RETRANSMIT: 'off',
    WIRESPAN_SPANS_TCP_RETRANSMIT: 'off',
    WIRESPAN_OTLP_METRICS_EXEMPLAR_FILTER: 'always_off',
    ...env,
  };
  return kernelOptionsOf(load({ env: settings })).emit.retransmit;
}

it('every retransmission is told with the OTLP tap, since its context may come later', () => {
  assert.equal(told({ WIRESPAN_SPANS_TCP_RETRANSMIT: 'correlated' }), 'on');
  assert.equal(told({ WIRESPAN_EVENTS_TCP_RETRANSMIT: 'correlated' }), 'on');
  assert.equal(told({}), 'off');
  const without = { WIRESPAN_CORRELATION_OTLP_TAP_ENABLED: 'off', WIRESPAN_CORRELATION_HOOK: 'on' };
  assert.equal(told({ ...without, WIRESPAN_SPANS_TCP_RETRANSMIT: 'correlated' }), 'correlated');
});
