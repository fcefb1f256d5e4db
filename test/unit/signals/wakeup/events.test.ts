import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NetworkEvent } from '../../../../receiver/model/event.ts';
import type { WakeupRecord } from '../../../../receiver/model/record.ts';
import type { EventMode } from '../../../../semconv/index.ts';
import { checkRegistered, harness, second, stateChange, unixOffset } from '../../../support/correlation.ts';

const SLOW = 'wirespan.tcp.wakeup.slow';

const { state: _state, previous: _previous, ...socket } = stateChange();
const hog = { thread: 12, pid: 11, command: 'cpu-hog' };
const late: WakeupRecord = {
  ...socket,
  kind: 'wakeup',
  wakeNs: 2_000_000n,
  runNs: 60_000_000n,
  thread: 43,
  cpu: 3,
  waker: { pid: 9, command: 'nginx', cpu: 2, woken: 5, vector: 'net_rx' },
  // Each time of the hog is shorter than the other's one.
  runs: [
    { ...hog, thread: 13, command: 'hog-last', ns: 20_000_000n },
    { ns: 25_000_000n, thread: 7, pid: 7, command: 'other' },
    { ...hog, ns: 15_000_000n },
  ],
  hasMoreRuns: false,
};

function eventOf(record: WakeupRecord, mode?: EventMode): NetworkEvent | undefined {
  const { correlator, events } = harness({ events: mode === undefined ? {} : { [SLOW]: mode } });
  correlator.handle(record);
  return events[0];
}

/** Attributes of a part. */
function attributesOf(record: WakeupRecord, prefix: string): Readonly<Record<string, unknown>> {
  const event = eventOf(record, 'on');
  assert.ok(event);
  checkRegistered(event);
  return Object.fromEntries(Object.entries(event.attributes).filter(([name]) => name.startsWith(prefix)));
}

describe('events about wake-ups', () => {
  it('say who woke the reader and who had its CPU meanwhile, on the reader’s workload', () => {
    const event = eventOf(late, 'on');
    assert.ok(event);
    assert.deepEqual(
      [event.name, event.severityNumber, event.scope, event.resource.id, event.timeUnixNs],
      [SLOW, 13, 'wirespan/tcp', 'workload:42', 100n * second + unixOffset],
    );
    assert.equal(event.attributes['wirespan.latency.value'], 0.062);
    assert.equal(event.attributes['cpu.logical_number'], 3);
    assert.equal(event.attributes['wirespan.softirq.vector'], 'net_rx');
    assert.deepEqual(attributesOf(late, 'wirespan.wakeup.'), {
      'wirespan.wakeup.wake.value': 0.002,
      'wirespan.wakeup.run.value': 0.06,
      'wirespan.wakeup.thread.id': 43,
      'wirespan.wakeup.waker.context': 'softirq',
      'wirespan.wakeup.waker.pid': 9,
      'wirespan.wakeup.waker.command': 'nginx',
      'wirespan.wakeup.waker.cpu': 2,
      'wirespan.wakeup.waker.woken': 5,
      'wirespan.wakeup.meanwhile.pid': 11,
      'wirespan.wakeup.meanwhile.command': 'hog-last',
      'wirespan.wakeup.meanwhile.value': 0.035,
    });
  });

  it('name no softirq when a task did it, and nobody when nobody ran', () => {
    const { vector: _vector, ...waker } = late.waker;
    const record = { ...late, waker, runs: [] };
    assert.equal(
      attributesOf(record, 'wirespan.wakeup.waker.context')['wirespan.wakeup.waker.context'],
      'task',
    );
    assert.deepEqual(attributesOf(record, 'wirespan.softirq'), {});
    assert.deepEqual(attributesOf(record, 'wirespan.wakeup.meanwhile'), {});
  });

  it('are off by default, and never on a trace', () => {
    for (const mode of [undefined, 'off', 'correlated'] as const)
      assert.equal(eventOf(late, mode), undefined);
  });
});
