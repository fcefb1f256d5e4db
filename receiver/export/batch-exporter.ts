import type { SignalCounters } from './counters.ts';
import { Ledger } from './counters.ts';
import type { Delivery } from './delivery.ts';
import { ItemQueue } from './item-queue.ts';
import type { QueuedSignal, QueueOptions } from './options.ts';
import type { RejectionListener } from './rejection.ts';

/** A bounded queue of spans or events in front of the collector. */
export interface BatchExporter<T> {
  /** Takes an item; false when it was dropped (and counted). Never throws, never waits. */
  offer(item: T): boolean;
  /** Sends what is queued now without waiting for full batches. Ends when all of it has met its end. */
  forceFlush(): Promise<void>;
  /** Refuses new items and sends the rest until `untilMs` (`performance.now()`); what is left is counted. */
  shutdown(untilMs: number): Promise<void>;
  counters(): SignalCounters;
  /** Items that wait, without those being sent. */
  queueSize(): number;
}

/** `R`: what the delivery takes. */
export interface BatchParts<T, R> {
  readonly signal: QueuedSignal;
  readonly queue: QueueOptions;
  readonly delivery: Delivery<R>;
  readonly encode: (items: readonly T[]) => R;
  /** Bytes of memory that the item keeps. */
  readonly sizeOf: (item: T) => number;
  readonly onRejected: RejectionListener;
}

/** Creates the exporter. One request at a time; its timers do not keep the process alive. */
export function createBatchExporter<T, R>(parts: BatchParts<T, R>): BatchExporter<T> {
  return new Batcher(parts);
}

class Batcher<T, R> implements BatchExporter<T> {
  readonly #parts: BatchParts<T, R>;
  readonly #ledger = new Ledger();
  readonly #queue: ItemQueue<T>;
  /** Items that ever entered the queue, and that left it settled: a flush waits for a count. */
  #entered = 0;
  #settled = 0;
  #flushUpTo = 0;
  #timer: NodeJS.Timeout | undefined;
  #draining: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: BatchParts<T, R>) {
    this.#parts = parts;
    this.#queue = new ItemQueue(parts.queue.queueSize, parts.sizeOf);
  }

  offer(item: T): boolean {
    this.#ledger.accept(1);
    if (this.#isClosed || !this.#queue.push(item)) {
      this.#ledger.drop(1, this.#isClosed ? 'already_shutdown' : 'queue_full');
      return false;
    }
    this.#entered += 1;
    if (this.#hasBatch()) void this.#drain();
    else this.#schedule();
    return true;
  }

  async forceFlush(): Promise<void> {
    const upTo = this.#entered;
    this.#flushUpTo = upTo;
    while (this.#settled < upTo) await this.#drain();
  }

  async shutdown(untilMs: number): Promise<void> {
    this.#isClosed = true;
    const timer = setTimeout(() => this.#parts.delivery.abandon(), Math.max(0, untilMs - performance.now()));
    this.#parts.delivery.hurry();
    await this.forceFlush();
    clearTimeout(timer);
    clearTimeout(this.#timer);
    this.#parts.delivery.abandon();
  }

  counters(): SignalCounters {
    return this.#ledger.read();
  }

  queueSize(): number {
    return this.#queue.length;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#draining !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flushUpTo = this.#entered;
      void this.#drain();
    }, this.#parts.queue.delayMs).unref();
  }

  /** Sends batches as long as they are full or a flush asks for them. Never rejects. */
  #drain(): Promise<void> {
    // Not at once: an item that fills a batch must not pay for encoding it.
    this.#draining ??= Promise.resolve()
      .then(() => this.#sendAll())
      .finally(() => {
        this.#draining = undefined;
        if (this.#queue.length > 0) this.#schedule();
      });
    return this.#draining;
  }

  #hasBatch(): boolean {
    return this.#queue.length >= this.#parts.queue.batchSize || this.#queue.isLarge;
  }

  async #sendAll(): Promise<void> {
    const { batchSize } = this.#parts.queue;
    while (this.#hasBatch() || (this.#queue.length > 0 && this.#settled < this.#flushUpTo)) {
      const batch = this.#queue.take(batchSize);
      await this.#sendBatch(batch);
      this.#settled += batch.length;
    }
  }

  async #sendBatch(batch: readonly T[]): Promise<void> {
    const { signal, delivery, encode, queue, onRejected } = this.#parts;
    let request: R;
    try {
      request = encode(batch);
    } catch (error) {
      this.#dropUnencodable(batch, String(error));
      return;
    }
    const result = await delivery.deliver(request, performance.now() + queue.timeoutMs);
    if (result.status === 'taken') {
      const rejected = Math.min(result.rejected, batch.length);
      this.#ledger.export(batch.length - rejected);
      this.#ledger.drop(rejected, 'rejected');
      if (rejected > 0) onRejected(signal, rejected, result.message);
    } else if (result.status === 'too_large' && batch.length > 1) {
      const half = batch.length >> 1;
      await this.#sendBatch(batch.slice(0, half));
      await this.#sendBatch(batch.slice(half));
    } else if (result.status === 'rejected' || result.status === 'too_large') {
      this.#ledger.drop(batch.length, 'rejected');
      onRejected(signal, batch.length, result.cause);
    } else if (result.status === 'unencodable') {
      this.#dropUnencodable(batch, result.cause);
    } else {
      this.#ledger.drop(batch.length, result.status === 'expired' ? 'retry_expired' : 'already_shutdown');
    }
  }

  #dropUnencodable(batch: readonly T[], cause: string): void {
    this.#ledger.drop(batch.length, 'encode_error');
    this.#parts.onRejected(this.#parts.signal, batch.length, `cannot be encoded: ${cause}`);
  }
}
