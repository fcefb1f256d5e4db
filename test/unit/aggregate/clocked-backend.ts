import assert from 'node:assert/strict';
import type { HrTime } from '@opentelemetry/api';
import type { DataPoint, Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { StoredPoint } from '../../../receiver/aggregate/series.ts';

type Value = number | Histogram;

/** What is known of one stream of one start. */
interface Known {
  timeNs: bigint;
  sum: number;
}

/**
 * Sums up what it keeps, a stream being identity and start time, and looks at everything it receives: no point
 * begins after its time, which is now; of one start, times go forwards and cumulative sums never fall.
 */
export class ClockedBackend {
  readonly #isDelta: boolean;
  readonly #kept = new Map<string, number>();
  readonly #received = new Map<string, Known>();

  constructor(isDelta: boolean) {
    this.#isDelta = isDelta;
  }

  receive(collected: readonly ResourceMetrics[], nowUnixNs: bigint): void {
    for (const { key, point, instrument } of pointsOf(collected)) {
      const startNs = unixNsOf(point.startTime);
      const timeNs = unixNsOf(point.endTime);
      assert.equal(timeNs, nowUnixNs, 'a point has the time of its collection');
      assert.ok(startNs <= timeNs, `begins ${startNs - timeNs} ns after its time`);
      for (const { time } of point.exemplars ?? []) assert.ok(unixNsOf(time) <= timeNs, 'exemplar');
      const known = this.#received.get(key);
      const sum = numberOf(point.value);
      if (known !== undefined) {
        assert.ok(timeNs > known.timeNs, 'times of one start go forwards');
        if (!this.#isDelta && instrument !== 'updowncounter')
          assert.ok(sum >= known.sum, 'a cumulative sum never falls');
      }
      this.#received.set(key, { timeNs, sum });
    }
  }

  keep(collected: readonly ResourceMetrics[]): void {
    for (const { key, point, instrument } of pointsOf(collected)) {
      if (instrument === 'updowncounter') continue;
      const sum = numberOf(point.value);
      this.#kept.set(key, this.#isDelta ? (this.#kept.get(key) ?? 0) + sum : sum);
    }
  }

  total(): number {
    let sum = 0;
    for (const value of this.#kept.values()) sum += value;
    return sum;
  }
}

export function unixNsOf([seconds, nanoseconds]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}

/** A histogram's count in millions, so that it is told from a counter's value. */
function numberOf(value: Value): number {
  return typeof value === 'number' ? value : value.count * 1_000_000;
}

function* pointsOf(
  collected: readonly ResourceMetrics[],
): IterableIterator<{ key: string; point: StoredPoint<Value>; instrument: string }> {
  for (const { resource, scopeMetrics } of collected) {
    for (const data of scopeMetrics.flatMap((scope) => scope.metrics)) {
      for (const point of data.dataPoints as DataPoint<Value>[]) {
        const { name } = data.descriptor;
        const key = JSON.stringify([resource.attributes, name, point.attributes, point.startTime]);
        const stored = point as StoredPoint<Value>;
        yield { key, point: stored, instrument: stored.stream.metric.instrument };
      }
    }
  }
}
