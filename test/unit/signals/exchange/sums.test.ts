import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangePhases } from '../../../../receiver/model/exchange-phases.ts';
import { phaseSums } from '../../../../receiver/signals/exchange/sums.ts';
import { exchange, request } from '../../../support/correlation.ts';
import { NO_PHASES } from '../../../support/phases.ts';
import { createHarness } from '../../../support/sums-harness.ts';

const MS = 1_000_000n;
const START = request(1).requestStartNs;
const NAME = 'wirespan.tcp.exchange.phase.duration';

/** A client that wrote for 2 ms, and waited for 10 ms. */
const PHASES: ExchangePhases = { ...NO_PHASES, writtenNs: START + 2n * MS, segmentsSeen: 1 };
const RECORD = exchange({ phases: PHASES, firstNs: START + 12n * MS, lastNs: START + 12n * MS });

test('each exchange counts once for each phase that took time, at its end, on its process', () => {
  const harness = createHarness();
  const { exchange: see } = phaseSums(harness);
  for (const what of ['answered', 'ended', 'closed'] as const) see?.({ ...RECORD, what });
  const found = [...harness.sink.histograms].map(([series, { counts, sum }]) => [
    series.replace(/^\S+ \S+ /, ''),
    counts.flatMap((count, bucket) => (count === 0 ? [] : [[bucket, count]])),
    Math.round(sum * 1e9),
  ]);
  // Buckets hold their upper bound: 2 ms is one, 10 ms is one.
  const role = `server.port=${RECORD.endpoints.peerPort} wirespan.exchange.phase`;
  assert.deepEqual(found, [
    [`${role}=application wirespan.tcp.handshake.role=client`, [[7, 2]], 4_000_000],
    [`${role}=peer wirespan.tcp.handshake.role=client`, [[9, 2]], 20_000_000],
  ]);
  assert.ok([...harness.sink.histograms.keys()].every((series) => series.startsWith(`${NAME} w`)));
});

test('an exchange that was not followed counts for nothing', () => {
  const harness = createHarness();
  const { phases: _, ...record } = RECORD;
  phaseSums(harness).exchange?.(record);
  assert.equal(harness.sink.calls, 0);
});
