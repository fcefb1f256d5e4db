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
  runNs: 12_500_000n,
};

function eventOf(record: SoftirqRecord, mode?: EventMode): NetworkEvent | undefined {
  const { correlator, events } = harness({ events: mode === undefined ? {} : { [SLOW]: mode } });
  correlator.handle(record);
  return events[0];
}

describe('events about softirqs', () => {
  it('say which softirq was slow, and whether it waited or ran, on nobody', () => {
    for (const waitNs of [undefined, 0n, 3_250_000n]) {
      const event = eventOf({ ...slow, ...(waitNs !== undefined && { waitNs }) }, 'on');
      assert.ok(event);
      checkRegistered(event);
      assert.deepEqual(
        [event.name, event.severityNumber, event.scope, event.resource.id, event.timeUnixNs],
        [SLOW, 13, 'wirespan/softirq', 'workload:0', 100n * second + unixOffset],
      );
      assert.deepEqual(event.attributes, {
        'wirespan.softirq.vector': 'net_rx',
        'cpu.logical_number': 3,
        'wirespan.latency.value': waitNs === 3_250_000n ? 0.01575 : 0.0125,
        'wirespan.softirq.run.value': 0.0125,
        ...(waitNs !== undefined && { 'wirespan.softirq.wait.value': Number(waitNs) / 1e9 }),
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
