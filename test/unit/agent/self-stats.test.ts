import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppConfig } from '../../../config/index.ts';
import type { Pipeline } from '../../../receiver/agent/pipeline.ts';
import { SelfStats } from '../../../receiver/agent/self-stats.ts';
import { LOSS_REASON, PROBE_ID } from '../../../receiver/decode/generated/layout.ts';
import type { Exporters } from '../../../receiver/export/exporters.ts';
import type { KernelSource } from '../../../receiver/source/kernel-source.ts';
import type { LossTotal } from '../../../receiver/telemetry/agent-sources.ts';

/** What the kernel counted, by reason, as the agent tells it: as losses of events, and in the metric. */
function told(counted: Partial<Record<keyof typeof LOSS_REASON, number>>): {
  readonly lost: LossTotal[];
  readonly metric: LossTotal[];
} {
  const table = Array<number>(PROBE_ID.PROBE_COUNT * LOSS_REASON.LOSS_REASONS).fill(0);
  for (const [reason, count] of Object.entries(counted))
    table[PROBE_ID.PROBE_STATE * LOSS_REASON.LOSS_REASONS + LOSS_REASON[reason as keyof typeof LOSS_REASON]] =
      count;
  const source = { losses: () => table, recursionMisses: () => [], plan: {} };
  const none = { eventsRateLimited: 0, spansRateLimited: 0, spansOverParent: 0, spansOverTrace: 0 };
  const pipeline = {
    correlator: { counters: none },
    enricher: { counters: { unknown: 0, folded: 0 } },
    decoded: { bad: 0 },
  };
  const metrics = new Map() as unknown as AppConfig['metrics'];
  const stats = new SelfStats(source as unknown as KernelSource, pipeline as unknown as Pipeline, metrics);
  stats.refresh();
  const metric = [...(stats.sources({} as Exporters).eventsLost?.() ?? [])];
  return { lost: stats.lost(), metric };
}

test('samples that were left out are in the metric, and are no loss of an event', () => {
  const { lost, metric } = told({ LEFT_OUT: 7, LOST_RING_FULL: 3, HIT_HEADER: 2, REPAIRED: 1 });
  const probe = 'inet_sock_set_state';
  assert.deepEqual(lost, [{ reason: 'ring_buffer_full', probe, count: 3 }]);
  assert.deepEqual(metric, [...lost, { reason: 'accept_deferred', probe, count: 7 }]);
});
