import type { Signal } from './options.ts';

/** Told of each attempt to export; `cause` is absent when the collector took it. */
export type AttemptListener = (signal: Signal, cause?: string) => void;

/** How exports of a signal went last; times are Unix milliseconds. */
export interface SignalAttempts {
  /** The last attempt failed. */
  readonly isFailing: boolean;
  readonly lastSuccessMs?: number;
  readonly lastFailure?: { readonly atMs: number; readonly cause: string };
}

const untried: SignalAttempts = { isFailing: false };

/** Keeps the last attempt of each kind, one a signal. */
export class AttemptJournal {
  readonly #attempts: Record<Signal, SignalAttempts> = { traces: untried, metrics: untried, logs: untried };

  readonly note: AttemptListener = (signal, cause) => {
    const atMs = Date.now();
    const isFailing = cause !== undefined;
    const last = isFailing ? { lastFailure: { atMs, cause } } : { lastSuccessMs: atMs };
    this.#attempts[signal] = { ...this.#attempts[signal], isFailing, ...last };
  };

  of(signal: Signal): SignalAttempts {
    return this.#attempts[signal];
  }
}
