import type { SignalRecord } from './record.ts';

type Kind = SignalRecord['kind'];
type Among<R, K> = R extends { readonly kind: infer Own } ? (K extends Own ? R : never) : never;

/** The record that has this kind. */
export type RecordOf<K extends Kind> = Among<SignalRecord, K>;

/** What somebody does with records, by their kind; a kind that is not named is nothing to him. */
export type RecordHandlers = { readonly [K in Kind]?: (record: RecordOf<K>) => void };

type Handler = (record: SignalRecord) => void;

/** Hands each record to those who want its kind, in the order that they were given in. */
export class RecordDispatch {
  readonly #byKind = new Map<Kind, Handler[]>();

  constructor(all: Iterable<RecordHandlers>) {
    for (const handlers of all) {
      for (const [kind, handler] of Object.entries(handlers) as [Kind, Handler][]) {
        const known = this.#byKind.get(kind);
        if (known === undefined) this.#byKind.set(kind, [handler]);
        else known.push(handler);
      }
    }
  }

  /** Allocates nothing. */
  handle(record: SignalRecord): void {
    const handlers = this.#byKind.get(record.kind);
    if (handlers === undefined) return;
    for (const handler of handlers) handler(record);
  }
}
