import type { Owner } from '../model/resource.ts';
import { processId } from '../model/ids.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import { readText } from './bytes.ts';
import { OWNER_INFO, OWNER_INFO_LENGTH, OWNER_KEY } from './generated/layout.ts';

/** No owner is known: the host's. */
export const NO_OWNER: Owner = {
  pid: 0,
  startNs: 0n,
  execs: 0,
  command: '',
  executable: '',
  cgroupId: 0n,
  netns: 0,
};

const MEMO_SLOTS = 256;

/** The kernel's facts of a process, from `struct owner_key` and `struct owner_info`. */
export function readOwner(key: DataView, keyAt: number, info: DataView, infoAt: number): Owner {
  return {
    pid: key.getUint32(keyAt + OWNER_KEY.pid, true),
    startNs: key.getBigUint64(keyAt + OWNER_KEY.start_ns, true),
    execs: key.getUint32(keyAt + OWNER_KEY.execs, true),
    command: readText(info, infoAt + OWNER_INFO.command, OWNER_INFO_LENGTH.command),
    executable: readText(info, infoAt + OWNER_INFO.executable, OWNER_INFO_LENGTH.executable),
    cgroupId: info.getBigUint64(infoAt + OWNER_INFO.cgroup_id, true),
    netns: info.getUint32(infoAt + OWNER_INFO.netns, true),
  };
}

/** `processId` of the `struct owner_key` at `offset`. */
export function processIdAt(view: DataView, offset: number): string {
  return processId({
    pid: view.getUint32(offset + OWNER_KEY.pid, true),
    startNs: view.getBigUint64(offset + OWNER_KEY.start_ns, true),
    execs: view.getUint32(offset + OWNER_KEY.execs, true),
  });
}

/** Reads `owners` in the kernel: `info` is filled, false when there is no such row. */
export type OwnerLookup = (key: Uint8Array, info: Uint8Array) => boolean;

/**
 * Processes by identity: told by records, else read from the kernel's map, so that
 * a lost record costs nothing but a look-up.
 */
export class OwnerTable {
  readonly #cache: BoundedCache<string, Owner>;
  readonly #lookup: OwnerLookup;
  /** The last answer: records of one process come in runs. */
  #last: Owner = NO_OWNER;
  /** By the low bits of the pid: saves building a key for most look-ups. */
  readonly #memo: (Owner | undefined)[] = new Array<Owner | undefined>(MEMO_SLOTS).fill(undefined);

  constructor(maxEntries: number, lookup: OwnerLookup) {
    this.#cache = new BoundedCache(maxEntries);
    this.#lookup = lookup;
  }

  learn(owner: Owner): void {
    this.#cache.set(processId(owner), owner);
    this.#unremember(owner.pid);
  }

  forget(owner: Owner): void {
    this.#cache.delete(processId(owner));
    this.#unremember(owner.pid);
  }

  #unremember(pid: number): void {
    if (this.#last.pid === pid) this.#last = NO_OWNER;
    this.#memo[pid % MEMO_SLOTS] = undefined;
  }

  /** The owner whose `struct owner_key` is at `offset`. */
  find(view: DataView, offset: number): Owner {
    const pid = view.getUint32(offset + OWNER_KEY.pid, true);
    if (pid === 0) return NO_OWNER;
    const startNs = view.getBigUint64(offset + OWNER_KEY.start_ns, true);
    const execs = view.getUint32(offset + OWNER_KEY.execs, true);
    const isIt = (owner: Owner | undefined): owner is Owner =>
      owner?.pid === pid && owner.startNs === startNs && owner.execs === execs;
    if (isIt(this.#last)) return this.#last;
    const memo = this.#memo[pid % MEMO_SLOTS];
    if (isIt(memo)) return (this.#last = memo);
    const id = processId({ pid, startNs, execs });
    const known = this.#cache.get(id);
    if (known === undefined) return this.#read(view, offset, id);
    this.#memo[pid % MEMO_SLOTS] = known;
    this.#last = known;
    return known;
  }

  #read(view: DataView, offset: number, id: string): Owner {
    const key = new Uint8Array(OWNER_KEY.size);
    key.set(new Uint8Array(view.buffer, view.byteOffset + offset, OWNER_KEY.size));
    const info = new Uint8Array(OWNER_INFO.size);
    const isKnown = this.#lookup(key, info);
    const owner = readOwner(new DataView(key.buffer), 0, new DataView(info.buffer), 0);
    /* A process without a row is asked for again: its record may be on the way. */
    if (isKnown) this.#cache.set(id, owner);
    return owner;
  }

  get size(): number {
    return this.#cache.size;
  }
}
