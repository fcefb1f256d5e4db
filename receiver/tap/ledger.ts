import type { Signal } from '../export/options.ts';

/** Why a request was not sent on. */
export type TapFailure =
  /** Answered so that the application's SDK tries again: the queue has no room. */
  | 'queue_full'
  /** Answered so that the SDK tries again: the agent stops. */
  | 'stopping'
  /** Refused for good, with an answer that says why: its size. */
  | 'too_large'
  /** Refused for good: its type, its encoding, or what is in it cannot be sent on. */
  | 'unsupported'
  /** Refused for good: the tap had sent it itself. */
  | 'loop'
  /** Lost: the collector refused it for good. */
  | 'rejected'
  /** Lost: the collector did not take it in time. */
  | 'retry_expired'
  /** Lost: the agent's stop left no time to send it. */
  | 'already_shutdown';

/** What became of the requests of one signal. At all times `received` = `forwarded` + the sum of `failed` + `held`. */
export interface TapCounters {
  readonly received: number;
  /** Taken by the collector. */
  readonly forwarded: number;
  readonly failed: Readonly<Record<TapFailure, number>>;
  /** Waiting or being sent on. */
  readonly held: number;
  /** Spans, data points or log records that the collector did not take of requests that it took. */
  readonly rejectedItems: number;
}

/** Counts requests of one signal from their arrival to their end. */
export class TapLedger {
  #forwarded = 0;
  #held = 0;
  #rejectedItems = 0;
  readonly #failed: Record<TapFailure, number> = {
    queue_full: 0,
    stopping: 0,
    too_large: 0,
    unsupported: 0,
    loop: 0,
    rejected: 0,
    retry_expired: 0,
    already_shutdown: 0,
  };

  hold(): void {
    this.#held += 1;
  }

  forward(rejectedItems: number): void {
    this.#held -= 1;
    this.#forwarded += 1;
    this.#rejectedItems += rejectedItems;
  }

  /** One that was held. */
  lose(failure: TapFailure): void {
    this.#held -= 1;
    this.#failed[failure] += 1;
  }

  /** One that was never held. */
  refuse(failure: TapFailure): void {
    this.#failed[failure] += 1;
  }

  read(): TapCounters {
    const failed = { ...this.#failed };
    const ended = Object.values(failed).reduce((sum, count) => sum + count, this.#forwarded);
    return {
      received: ended + this.#held,
      forwarded: this.#forwarded,
      failed,
      held: this.#held,
      rejectedItems: this.#rejectedItems,
    };
  }
}

export type Ledgers = Readonly<Record<Signal, TapLedger>>;
