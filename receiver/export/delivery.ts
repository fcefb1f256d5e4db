import type { Backoff } from './backoff.ts';
import { createBackoff } from './backoff.ts';
import { explainCause } from './causes.ts';
import type { RetryOptions, SignalTarget } from './options.ts';
import type { Reachability } from './reachability.ts';
import type { SendResult } from './send-result.ts';
import type { OtlpRequest, OtlpTransport } from './transport.ts';

/** How a delivery ended. `expired`: not taken in time; `abandoned`: the delivery was closed. */
export type DeliveryResult =
  | Exclude<SendResult, { status: 'retry' }>
  | { readonly status: 'expired' | 'abandoned'; readonly cause: string };

/** Sends the requests of one signal, again and again while the collector does not take them. */
export interface Delivery<R = OtlpRequest> {
  /** Tries until `untilMs` (`performance.now()`), at least once. One call at a time; never rejects. */
  deliver(request: R, untilMs: number): Promise<DeliveryResult>;
  /** The end is near: a delivery that waits makes its next attempt now, and later ones their first at once. */
  hurry(): void;
  /** The delivery under way ends now, as `expired`; its connection is closed. */
  interrupt(): void;
  /** Every delivery ends now, as `abandoned`; so do later ones. */
  abandon(): void;
}

export interface DeliveryParts<R> {
  readonly target: SignalTarget;
  readonly transport: OtlpTransport<R>;
  readonly retry: RetryOptions;
  readonly reachability: Reachability;
  /** Makes a text from the collector fit to be shown: short, on one line, without our secrets. */
  readonly safeText: (text: string) => string;
}

/** One delivery for one signal: the waits grow over consecutive failures, whichever request failed. */
export function createDelivery<R>(parts: DeliveryParts<R>): Delivery<R> {
  return new RetryingDelivery(parts);
}

class RetryingDelivery<R> implements Delivery<R> {
  readonly #parts: DeliveryParts<R>;
  readonly #backoff: Backoff;
  #isInterrupted = false;
  #isHurried = false;
  #isClosed = false;
  /** Until when (`performance.now()`) the collector wants to be left alone, whichever request it said that to. */
  #pauseUntilMs = 0;
  /** Ends the attempt, or the wait, that is under way. */
  #endStep: (() => void) | undefined;
  #endWait: (() => void) | undefined;

  constructor(parts: DeliveryParts<R>) {
    this.#parts = parts;
    this.#backoff = createBackoff(parts.retry);
  }

  async deliver(request: R, untilMs: number): Promise<DeliveryResult> {
    this.#isInterrupted = false;
    let cause = 'shut down';
    let waitMs = this.#isHurried ? 0 : this.#pauseLeftMs();
    while (await this.#pass(waitMs, untilMs)) {
      const result = await this.#attempt(request);
      if (result === undefined) break;
      if (result.status !== 'retry') return result;
      cause = result.cause;
      this.#pauseUntilMs = performance.now() + result.afterMs;
      waitMs = Math.max(this.#backoff.next(), result.afterMs);
    }
    return { status: this.#isClosed ? 'abandoned' : 'expired', cause };
  }

  hurry(): void {
    this.#isHurried = true;
    this.#endWait?.();
  }

  interrupt(): void {
    this.#isInterrupted = true;
    this.#endStep?.();
  }

  abandon(): void {
    this.#isClosed = true;
    this.#endStep?.();
  }

  /** `undefined` when it was ended from outside; whatever the transport says later is ignored. */
  async #attempt(request: R): Promise<SendResult | undefined> {
    const { reachability, target } = this.#parts;
    const result = await this.#send(request);
    this.#endStep = undefined;
    // What never left says nothing about the collector.
    if (result === undefined || result.status === 'unencodable') return result;
    if (result.status === 'retry') {
      reachability.failed(target.origin, target.signal, result.cause);
    } else {
      this.#backoff.reset();
      reachability.succeeded(target.origin, target.signal);
    }
    return result;
  }

  /**
   * One attempt, ended after the target's timeout whatever it waits for: the name, the connection, a proxy,
   * TLS, room to write, the first or the last byte of the answer.
   */
  #send(request: R): Promise<SendResult | undefined> {
    const { transport, target } = this.#parts;
    return new Promise((resolve) => {
      const end = (result: SendResult | undefined): void => {
        clearTimeout(timer);
        resolve(result);
      };
      const abort = (result: SendResult | undefined): void => {
        end(result);
        transport.abort();
      };
      const cause = `no complete answer within ${target.timeoutMs} ms`;
      const timer = setTimeout(() => abort({ status: 'retry', cause, afterMs: 0 }), target.timeoutMs);
      this.#endStep = () => abort(undefined);
      void transport.send(request).then((result) => end(this.#safe(result)));
    });
  }

  /** What others wrote of it, fit to be shown. */
  #safe(result: SendResult): SendResult {
    const { safeText, target } = this.#parts;
    return result.status === 'taken'
      ? { ...result, message: safeText(result.message) }
      : { ...result, cause: safeText(explainCause(result.cause, target)) };
  }

  #pauseLeftMs(): number {
    return Math.max(0, this.#pauseUntilMs - performance.now());
  }

  /**
   * Waits before an attempt; whether there is one. A request that has less time than the collector asked for stays
   * here until its time is over: were it given up at once, so would be all that come after it.
   */
  async #pass(waitMs: number, untilMs: number): Promise<boolean> {
    const leftMs = untilMs - performance.now();
    const isInVain = waitMs > 0 && waitMs > leftMs;
    if (isInVain && this.#pauseLeftMs() === 0) return false;
    const isHurried = waitMs > 0 && (await this.#wait(Math.min(waitMs, Math.max(0, leftMs))));
    return !this.#isClosed && !this.#isInterrupted && (!isInVain || isHurried);
  }

  /** Whether it ended since there is a hurry. */
  #wait(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isHurried: boolean): void => {
        clearTimeout(timer);
        this.#endWait = undefined;
        resolve(isHurried);
      };
      const timer = setTimeout(() => end(false), waitMs);
      this.#endStep = () => end(false);
      this.#endWait = () => end(true);
    });
  }
}
