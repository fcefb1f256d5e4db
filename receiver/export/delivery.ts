import type { Backoff } from './backoff.ts';
import { createBackoff } from './backoff.ts';
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
  /** A delivery that waits for its next attempt makes it now. */
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
  #isClosed = false;
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
    while (!this.#isClosed && !this.#isInterrupted) {
      const result = await this.#attempt(request);
      if (result === undefined) break;
      if (result.status !== 'retry') return result;
      cause = result.cause;
      const waitMs = Math.max(this.#backoff.next(), result.afterMs);
      if (performance.now() + waitMs > untilMs) return { status: 'expired', cause };
      await this.#wait(waitMs);
    }
    return { status: this.#isClosed ? 'abandoned' : 'expired', cause };
  }

  hurry(): void {
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
    const safe = this.#parts.safeText;
    return result.status === 'taken'
      ? { ...result, message: safe(result.message) }
      : { ...result, cause: safe(result.cause) };
  }

  #wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#endWait = undefined;
        resolve();
      };
      const timer = setTimeout(end, waitMs);
      this.#endStep = end;
      this.#endWait = end;
    });
  }
}
