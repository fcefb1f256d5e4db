import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_OWNER } from '../../../../receiver/decode/owners.ts';
import type { NetworkEvent } from '../../../../receiver/model/event.ts';
import type { SoftirqRecord } from '../../../../receiver/model/record.ts';
import type { EventMode } from '../../../../semconv/index.ts';
import { checkRegistered, harness, second, unixOffset } from '../../../support/correlation.ts';

const SLOW = 'wirespan.softirq.slow';

const slow: SoftirqRecord = {
  kind: 'softirq',
  timeNs: 100n * second,
  owner: NO_OWNER,
  vector: 'net_rx',
  cpu: 3,
  valueNs: 12_500_000n,
  isWait: false,
};

function eventOf(record: SoftirqRecord, mode?: EventMode): NetworkEvent | undefined {
  const { correlator, events } = harness({ events: mode === undefined ? {} : { [SLOW]: mode } });
  correlator.handle(record);
  return events[0];
}

describe('events about softirqs', () => {
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
    for (const mode of [undefined, 'off', 'correlated'] as const)
      assert.equal(eventOf(slow, mode), undefined);
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
