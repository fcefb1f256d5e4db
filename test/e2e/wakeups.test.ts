/** Wake-ups as the collector wrote them: a reader that sleeps for each message, and one whose CPU a hog has. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { runLateReader, type LateReader } from '../support/late-reader.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { observe, type Output } from './observe.ts';
import { findEvents, findPoints, histogramOf } from './otlp.ts';

const DURATION = 'wirespan.tcp.wakeup.duration';
const SLOW = 'wirespan.tcp.wakeup.slow';
const MESSAGES = 23;
const HOG_MS = 80;

describe('wake-ups over OTLP', () => {
  const cleanup = new Cleanup();
  let output: Output;
  let [reader, late]: LateReader[] = [];

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const { finish } = await observe(cleanup, {
      settings: {
        WIRESPAN_METRICS_TCP_WAKEUP_DURATION: 'on',
        WIRESPAN_EVENTS_TCP_WAKEUP_SLOW: 'on',
        WIRESPAN_THRESHOLDS_WAKEUP: `${HOG_MS / 2}ms`,
      },
    });
    reader = await runLateReader(room, 'read', MESSAGES);
    late = await runLateReader(room, 'hog', HOG_MS);
    output = await finish();
  });
  after(() => cleanup.run());

  it('are as many as the reader slept for, in both parts', () => {
    assert.ok(reader);
    const pids = new Set([reader.pid]);
    assert.equal(reader.sleeps, MESSAGES);
    for (const part of ['wake', 'run']) {
      const where = { pids, attributes: { 'wirespan.wakeup.part': part } };
      const { count, sum } = histogramOf(output.metrics, DURATION, where);
      assert.equal(count, MESSAGES, part);
      assert.ok(sum > 0, part);
    }
    assert.ok(findPoints(output.metrics, DURATION, { pids }).every(({ unit }) => unit === 's'));
  });

  it('that are late name the waker and the hog, with the time that it cost', () => {
    assert.ok(late);
    const [event, ...others] = findEvents(output.logs, SLOW, { pids: new Set([late.pid]) });
    assert.ok(event);
    assert.deepEqual(others, []);
    const { attributes } = event;
    const value = (name: string): number => Number(attributes[`wirespan.wakeup.${name}`]);
    assert.deepEqual(
      [value('thread.id'), value('waker.pid'), value('waker.woken'), value('meanwhile.pid')],
      [late.thread, late.pid, 1, late.hog],
    );
    assert.deepEqual(
      [attributes['wirespan.wakeup.waker.context'], attributes['wirespan.softirq.vector']],
      ['softirq', 'net_rx'],
    );
    assert.equal(attributes['wirespan.wakeup.waker.command'], 'late-reader');
    assert.equal(attributes['wirespan.wakeup.meanwhile.command'], 'cpu-hog');
    const cost = value('meanwhile.value') * 1e9;
    assert.ok(cost >= Number(late.untilNs - late.afterNs) - 1, String(cost));
    assert.ok(cost <= Number(late.ranNs - late.beforeNs) + 1, String(cost));
    const sum = value('wake.value') + value('run.value');
    assert.ok(Math.abs(Number(attributes['wirespan.latency.value']) - sum) < 1e-9);
  });

  it('are as the registry has them', () => {
    assert.deepEqual(checkAgainstRegistry(output.lines), []);
  });
});
