import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeterProvider, type DataPoint, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { Timeline } from '../../../receiver/aggregate/timeline.ts';
import { AgentReader } from '../../../receiver/telemetry/agent-reader.ts';

const second = 1_000_000_000n;
const startUnixNs = 1_790_000_000n * second;
/** Unix seconds of the start. */
const S = 1_790_000_000;

const rounds = [
  { gain: 1, setBack: 0n, isLost: false },
  { gain: 2, setBack: 0n, isLost: true },
  { gain: 4, setBack: 1_800n, isLost: false },
  { gain: 8, setBack: 0n, isLost: false },
] as const;

/** Each collection, a minute apart: start and end in seconds, and value. */
const expected = {
  cumulative: [
    [S, S + 60, 1],
    [S, S + 120, 3],
    // The second did not arrive: what it had is in the sum that begins anew.
    [S + 60 - 1_800, S + 180 - 1_800, 6],
    [S + 60 - 1_800, S + 240 - 1_800, 14],
  ],
  delta: [
    [S, S + 60, 1],
    [S + 60, S + 120, 2],
    [S + 60 - 1_800, S + 180 - 1_800, 6],
    [S + 180 - 1_800, S + 240 - 1_800, 8],
  ],
} as const;

for (const temporality of ['cumulative', 'delta'] as const)
  test(`${temporality}: the clock is set back, after an export that failed`, async () => {
    let monotonicNs = 5n * second;
    let offsetNs = startUnixNs - monotonicNs;
    const timeline = new Timeline(startUnixNs, () => monotonicNs);
    const source = new AgentReader(temporality === 'delta', timeline);
    const meter = new MeterProvider({ readers: [source.reader] }).getMeter('test');
    const counter = meter.createCounter('things');
    const seen: (readonly [number, number, number])[] = [];
    for (const { gain, setBack, isLost } of rounds) {
      monotonicNs += 60n * second;
      offsetNs -= setBack * second;
      counter.add(gain);
      const collected: ResourceMetrics[] = await source.collect(monotonicNs + offsetNs);
      if (isLost) source.restore(collected);
      const point = collected[0]?.scopeMetrics[0]?.metrics[0]?.dataPoints[0] as DataPoint<number>;
      seen.push([point.startTime[0], point.endTime[0], point.value]);
    }
    assert.deepEqual(seen, expected[temporality]);
  });
