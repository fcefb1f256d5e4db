import { rowId } from '../../model/ids.ts';
import type { ConnectionKey } from './key.ts';

/**
 * What sockets say that they sent again, and what events explained of it. The difference is `other`. With
 * rows by state, one account is of all rows that are alike but for it: the sockets' stats are in one of them.
 */
export interface RetransmitAccount {
  /** From `tcp_sock.total_retrans`. */
  truth: number;
  /** As of the last complete reading; its events are in the rows since then. */
  settledTruth: number;
  explained: number;
  /** `other` exported so far: never falls, whatever the order of two reads. */
  other: number;
  rows: number;
  /** The row without a state. */
  base: Pick<ConnectionKey, 'owner' | 'attributes'> | undefined;
}

/** Accounts of rows, shared by rows whose keys differ in one byte alone. */
export class RetransmitAccounts {
  readonly #shared = new Map<string, RetransmitAccount>();
  readonly #stateAt: number;

  /** `stateAt`: where in the key. */
  constructor(stateAt: number) {
    this.#stateAt = stateAt;
  }

  open(key: Uint8Array): RetransmitAccount {
    const id = this.#idOf(key);
    let account = this.#shared.get(id);
    if (account === undefined) {
      account = createAccount();
      this.#shared.set(id, account);
    }
    account.rows += 1;
    return account;
  }

  /** The kernel no longer has the row. True: it was the last of its account, and nothing more will come. */
  close(key: Uint8Array, account: RetransmitAccount): boolean {
    account.rows -= 1;
    if (account.rows > 0) return false;
    this.#shared.delete(this.#idOf(key));
    return true;
  }

  *all(): IterableIterator<RetransmitAccount> {
    yield* this.#shared.values();
  }

  #idOf(key: Uint8Array): string {
    const id = Buffer.from(key);
    id[this.#stateAt] = 0;
    return rowId(id);
  }
}

export function createAccount(): RetransmitAccount {
  return { truth: 0, settledTruth: 0, explained: 0, other: 0, rows: 0, base: undefined };
}

/** What of the truth is new and has no event; counts as exported from now on. */
export function takeOther(account: RetransmitAccount, truth: number): number {
  const gained = Math.max(0, truth - account.explained - account.other);
  account.other += gained;
  return gained;
}
