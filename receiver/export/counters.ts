/** Why an item did not reach the collector. */
export type DropReason =
  /** The queue was full. */
  | 'queue_full'
  /** The collector refused it for good, alone or as part of a request. */
  | 'rejected'
  /** The collector did not take it within the queue's `timeoutMs`. */
  | 'retry_expired'
  /** It came after the shutdown, or was left when the shutdown's deadline passed. */
  | 'already_shutdown'
  /** It could not be encoded: a defect. */
  | 'encode_error';

/**
 * What became of the items of one signal. At all times
 * `accepted` = `exported` + the sum of `dropped` + `inFlight`.
 */
export interface SignalCounters {
  /** Items handed over. For metrics without those given back to their source after a failure. */
  readonly accepted: number;
  readonly exported: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Items waiting or being sent. */
  readonly inFlight: number;
}

/** Counts items from hand-over to their end. */
export class Ledger {
  #accepted = 0;
  #exported = 0;
  readonly #dropped: Record<DropReason, number> = {
    queue_full: 0,
    rejected: 0,
    retry_expired: 0,
    already_shutdown: 0,
    encode_error: 0,
  };
  #inFlight = 0;

  accept(items: number): void {
    this.#accepted += items;
    this.#inFlight += items;
  }

  export(items: number): void {
    this.#exported += items;
    this.#inFlight -= items;
  }

  drop(items: number, reason: DropReason): void {
    this.#dropped[reason] += items;
    this.#inFlight -= items;
  }

  /** The items go back to where they came from, to be handed over again. */
  giveBack(items: number): void {
    this.#accepted -= items;
    this.#inFlight -= items;
  }

  read(): SignalCounters {
    return {
      accepted: this.#accepted,
      exported: this.#exported,
      dropped: { ...this.#dropped },
      inFlight: this.#inFlight,
    };
  }
}
