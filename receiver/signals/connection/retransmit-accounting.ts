import type { ConnectionRow } from './sums.ts';

/**
 * What sockets say that they sent again, and what events explained of it. The difference is `other`. With
 * rows by state, one book is of all rows that are alike but for it: the sockets' figures are in one of them.
 */
export interface RetransmitBook {
  /** From `tcp_sock.total_retrans`. */
  truth: number;
  /** As of the last complete reading; its events are in the rows since then. */
  settledTruth: number;
  explained: number;
  /** `other` exported so far: never falls, whatever the order of two reads. */
  other: number;
  rows: number;
  /** The row without a state. */
  base: ConnectionRow | undefined;
}

/** Books of rows, shared by rows whose keys differ in one byte alone. */
export class RetransmitBooks {
  readonly #shared = new Map<string, RetransmitBook>();
  readonly #stateAt: number;

  /** `stateAt`: where in the key. */
  constructor(stateAt: number) {
    this.#stateAt = stateAt;
  }

  open(key: Uint8Array): RetransmitBook {
    const id = this.#idOf(key);
    let book = this.#shared.get(id);
    if (book === undefined) {
      book = createBook();
      this.#shared.set(id, book);
    }
    book.rows += 1;
    return book;
  }

  /** The kernel no longer has the row. True: it was the last of its book, and nothing more will come. */
  close(key: Uint8Array, book: RetransmitBook): boolean {
    book.rows -= 1;
    if (book.rows > 0) return false;
    this.#shared.delete(this.#idOf(key));
    return true;
  }

  *all(): IterableIterator<RetransmitBook> {
    yield* this.#shared.values();
  }

  #idOf(key: Uint8Array): string {
    const id = Buffer.from(key);
    id[this.#stateAt] = 0;
    return id.toString('latin1');
  }
}

export function createBook(): RetransmitBook {
  return { truth: 0, settledTruth: 0, explained: 0, other: 0, rows: 0, base: undefined };
}

/** What of the truth is new and has no event; counts as exported from now on. */
export function takeOther(book: RetransmitBook, truth: number): number {
  const gained = Math.max(0, truth - book.explained - book.other);
  book.other += gained;
  return gained;
}
