import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { SignalCounters } from './counters.ts';
import { Ledger } from './counters.ts';
import type { Delivery } from './delivery.ts';
import type { MetricRequest } from './metric-request.ts';
import { countPoints, encodeMetrics, halvesOf } from './metric-request.ts';
import type { RejectionListener } from './rejection.ts';

/** Sends collected metrics. Holds nothing between two calls: what fails goes back to its source. */
export interface MetricExporter {
  /**
   * Sends one collection in as many requests as needed, and tries again until `untilMs`
   * (`performance.now()`). Returns what was not taken, to be restored where it came from.
   * What the collector refuses for good is counted and not returned. One call at a time; never rejects.
   */
  export(collected: readonly ResourceMetrics[], untilMs: number): Promise<readonly ResourceMetrics[]>;
  /** Like `export`, but nothing can be restored any more: what is not taken is counted as dropped. */
  exportLast(collected: readonly ResourceMetrics[], untilMs: number): Promise<void>;
  /** Ends an export under way: the rest of it is returned at once. */
  interrupt(): void;
  counters(): SignalCounters;
}

/** Creates the exporter over a delivery of its own. */
export function createMetricExporter(delivery: Delivery, onRejected: RejectionListener): MetricExporter {
  return new ChunkedExporter(delivery, onRejected);
}

class ChunkedExporter implements MetricExporter {
  readonly #delivery: Delivery;
  readonly #onRejected: RejectionListener;
  readonly #ledger = new Ledger();

  constructor(delivery: Delivery, onRejected: RejectionListener) {
    this.#delivery = delivery;
    this.#onRejected = onRejected;
  }

  async export(collected: readonly ResourceMetrics[], untilMs: number): Promise<readonly ResourceMetrics[]> {
    const failed: ResourceMetrics[] = [];
    await this.#sendAll(collected, untilMs, (request) => {
      this.#ledger.giveBack(request.items);
      for (const part of request.parts) failed.push(part);
    });
    return failed;
  }

  async exportLast(collected: readonly ResourceMetrics[], untilMs: number): Promise<void> {
    const timer = setTimeout(() => this.#delivery.abandon(), Math.max(0, untilMs - performance.now()));
    this.#delivery.hurry();
    await this.#sendAll(collected, untilMs, (request) =>
      this.#ledger.drop(request.items, 'already_shutdown'),
    );
    clearTimeout(timer);
    this.#delivery.abandon();
  }

  interrupt(): void {
    this.#delivery.interrupt();
  }

  counters(): SignalCounters {
    return this.#ledger.read();
  }

  async #sendAll(
    collected: readonly ResourceMetrics[],
    untilMs: number,
    onFailed: (request: MetricRequest) => void,
  ): Promise<void> {
    let left = countPoints(collected);
    this.#ledger.accept(left);
    let isOver = false;
    try {
      for (const request of encodeMetrics(collected)) {
        left -= request.items;
        const waiting = [request];
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const result: Sent = isOver ? 'not taken' : await this.#send(next, untilMs);
          if (result === 'too large') for (const half of halvesOf(next)) waiting.push(half);
          // Once one request ran out of time, the others would only wait for the same collector.
          isOver ||= result === 'not taken';
          if (result === 'not taken') onFailed(next);
        }
      }
    } catch (error) {
      this.#ledger.drop(left, 'encode_error');
      this.#onRejected('metrics', left, `cannot be encoded: ${String(error)}`);
    }
  }

  async #send(request: MetricRequest, untilMs: number): Promise<Sent> {
    const result = await this.#delivery.deliver(request, untilMs);
    if (result.status === 'taken') {
      const rejected = Math.min(result.rejected, request.items);
      this.#ledger.export(request.items - rejected);
      this.#ledger.drop(rejected, 'rejected');
      if (rejected > 0) this.#onRejected('metrics', rejected, result.message);
      return 'settled';
    }
    if (result.status === 'too_large' && request.items > 1) return 'too large';
    if (result.status === 'rejected' || result.status === 'too_large') {
      this.#ledger.drop(request.items, 'rejected');
      this.#onRejected('metrics', request.items, result.cause);
      return 'settled';
    }
    // Requests come encoded, so the rest is "not taken".
    return 'not taken';
  }
}

/** What became of one request: `settled`, taken or refused for good, is counted. */
type Sent = 'settled' | 'not taken' | 'too large';
