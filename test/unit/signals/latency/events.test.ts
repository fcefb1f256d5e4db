import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_OWNER } from '../../../../receiver/decode/owners.ts';
import type { NetworkEvent } from '../../../../receiver/model/event.ts';
import type { KernelRecord, LatencyRecord, SoftirqRecord } from '../../../../receiver/model/record.ts';
import { EVENTS, type EventMode } from '../../../../semconv/index.ts';
import { harness, second, stateChange, unixOffset } from '../../correlate/fixture.ts';

const OUTLIER = 'wirespan.tcp.latency.outlier';
const SLOW = 'wirespan.softirq.slow';

const { state: _state, previous: _previous, ...socket } = stateChange();
const outlier: LatencyRecord = { ...socket, kind: 'latency', what: 'accept_queue', valueNs: 1_250_000_000n };
const slow: SoftirqRecord = {
  kind: 'softirq',
  timeNs: 100n * second,
  owner: NO_OWNER,
  vector: 'net_rx',
  cpu: 3,
  valueNs: 12_500_000n,
  isWait: false,
};

function eventOf(record: KernelRecord, mode?: EventMode): NetworkEvent | undefined {
  const modes = mode === undefined ? {} : { [OUTLIER]: mode, [SLOW]: mode };
  const { correlator, events } = harness({ events: modes });
  correlator.handle(record);
  return events[0];
}

function checkRegistered({ name, attributes }: NetworkEvent): void {
  const uses = EVENTS.find((descriptor) => descriptor.name === name)?.attributes ?? [];
  const registered = new Set(uses.map(({ key }) => key));
  for (const key of Object.keys(attributes)) assert.ok(registered.has(key), `${key} is not on ${name}`);
  for (const { key, level } of uses)
    if (level === 'required') assert.ok(key in attributes, `${name} lacks ${key}`);
}

describe('events about latencies', () => {
  it('say what was slow and by how much, on the workload', () => {
    const event = eventOf(outlier, 'on');
    assert.ok(event);
    checkRegistered(event);
    assert.deepEqual(
      [event.name, event.severityNumber, event.scope, event.resource.id, event.timeUnixNs],
      [OUTLIER, 13, 'wirespan/tcp', 'workload:42', 100n * second + unixOffset],
    );
    assert.equal(event.attributes['wirespan.latency.kind'], 'accept_queue');
    assert.equal(event.attributes['wirespan.latency.value'], 1.25);
    assert.equal(event.context, undefined);
  });

  it('say which softirq was slow, on nobody', () => {
    for (const isWait of [false, true]) {
      const event = eventOf({ ...slow, isWait }, 'on');
      assert.ok(event);
      checkRegistered(event);
      assert.deepEqual(
        [event.name, event.severityNumber, event.scope, event.resource.id, event.timeUnixNs],
        [SLOW, 13, 'wirespan/softirq', 'workload:0', 100n * second + unixOffset],
      );
      assert.deepEqual(event.attributes, {
        'wirespan.softirq.vector': 'net_rx',
        'cpu.logical_number': 3,
        'wirespan.latency.value': 0.0125,
      });
    }
  });

  it('are off by default, and never on a trace', () => {
    for (const record of [outlier, slow])
      for (const mode of [undefined, 'off', 'correlated'] as const)
        assert.equal(eventOf(record, mode), undefined);
  });

  it('are limited like every event, and say how many were left out', () => {
    const { correlator, events } = harness({ events: { [SLOW]: 'on' }, rateLimit: 1 });
    for (let i = 0; i < 1_000; i += 1) correlator.handle(slow);
    const { eventsRateLimited, events: sent } = correlator.counters;
    assert.equal(sent, events.length);
    assert.equal(sent + eventsRateLimited, 1_000);
    assert.ok(sent > 0 && sent < 10, `${sent} went out`);
  });
});
