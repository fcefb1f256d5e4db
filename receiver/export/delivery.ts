import type { Backoff } from './backoff.ts';
import { createBackoff } from './backoff.ts';
import type { SendResult } from './failure.ts';
import type { RetryOptions, SettledEndpoint } from './options.ts';
import type { Reachability } from './reachability.ts';
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
  /** The delivery under way ends now, as `expired`. */
  interrupt(): void;
  /** Every delivery ends now, as `abandoned`; so do later ones. */
  abandon(): void;
}

export interface DeliveryParts<R> {
  readonly endpoint: SettledEndpoint;
  readonly transport: OtlpTransport<R>;
  readonly retry: RetryOptions;
  readonly reachability: Reachability;
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
    const { transport, reachability, endpoint } = this.#parts;
    const result = await new Promise<SendResult | undefined>((resolve) => {
      this.#endStep = () => resolve(undefined);
      void transport.send(request).then(resolve);
    });
    // What never left says nothing about the collector.
    if (result === undefined || result.status === 'unencodable') return result;
    if (result.status === 'retry') {
      reachability.failed(endpoint.origin, endpoint.signal, result.cause);
    } else {
      this.#backoff.reset();
      reachability.succeeded(endpoint.origin, endpoint.signal);
    }
    return result;
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
