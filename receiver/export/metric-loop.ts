import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { MetricSource } from '../aggregate/metric-source.ts';
import type { MetricExporter } from './metric-exporter.ts';

/** Collects, exports and puts back, once an interval. */
export interface MetricLoop {
  start(): void;
  /** Collects and exports now, after what is under way. */
  forceFlush(): Promise<void>;
  /** Collects and exports one last time, until `untilMs` (`performance.now()`); what is left is counted. */
  shutdown(untilMs: number): Promise<void>;
}

export interface MetricLoopOptions {
  readonly sources: readonly MetricSource[];
  readonly exporter: MetricExporter;
  /** `OTEL_METRIC_EXPORT_INTERVAL`, milliseconds. */
  readonly intervalMs: number;
  /** `OTEL_METRIC_EXPORT_TIMEOUT`, milliseconds; default, and never more than, the interval. */
  readonly timeoutMs?: number;
  /** Unix nanoseconds. */
  readonly now: () => bigint;
  /** Called before each collection: the time to read what the kernel summed. An error is passed to `onError`. */
  readonly beforeCollect?: () => void | Promise<void>;
  readonly onError?: (error: unknown) => void;
}

/**
 * Creates the loop. Collections never overlap: at most one is under way, and what failed is
 * restored before the next. While the collector is away, each collection is tried again until
 * the timeout, or the next one is due.
 */
export function createMetricLoop(options: MetricLoopOptions): MetricLoop {
  return new Loop(options);
}

class Loop implements MetricLoop {
  readonly #options: MetricLoopOptions;
  #timer: NodeJS.Timeout | undefined;
  #busy: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: MetricLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      // A tick that falls into an export under way is served by the next.
      if (this.#waiting === 0) void this.#run();
    }, this.#options.intervalMs).unref();
  }

  forceFlush(): Promise<void> {
    return this.#run();
  }

  async shutdown(untilMs: number): Promise<void> {
    clearInterval(this.#timer);
    const { exporter } = this.#options;
    const halfMs = Math.max(0, (untilMs - performance.now()) / 2);
    const patience = new AbortController();
    const tooLong = sleep(halfMs, undefined, { signal: patience.signal }).then(
      () => exporter.interrupt(),
      () => undefined,
    );
    await Promise.race([this.#busy, tooLong]);
    patience.abort();
    await this.#busy;
    const collected = await this.#collect();
    await exporter.exportLast([...collected.keys()], untilMs);
  }

  #run(): Promise<void> {
    this.#waiting += 1;
    this.#busy = this.#busy.then(() => this.#exportOnce()).finally(() => (this.#waiting -= 1));
    return this.#busy;
  }

  async #exportOnce(): Promise<void> {
    const { intervalMs, timeoutMs = intervalMs } = this.#options;
    const untilMs = performance.now() + Math.min(intervalMs, timeoutMs);
    const collected = await this.#collect();
    const origin = new Map([...collected].map(([part, source]) => [part.resource, source]));
    const failed = await this.#options.exporter.export([...collected.keys()], untilMs);
    for (const part of failed) origin.get(part.resource)?.restore([part]);
  }

  /** What every source has, and which source each part came from. */
  async #collect(): Promise<Map<ResourceMetrics, MetricSource>> {
    const { sources, now, beforeCollect, onError } = this.#options;
    const collected = new Map<ResourceMetrics, MetricSource>();
    try {
      await beforeCollect?.();
    } catch (error) {
      onError?.(error);
    }
    for (const source of sources) {
      try {
        for (const part of await source.collect(now())) collected.set(part, source);
      } catch (error) {
        onError?.(error);
      }
    }
    return collected;
  }
}
