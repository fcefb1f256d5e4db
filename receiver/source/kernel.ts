import type { SumsKernel } from '../signals/family.ts';
import type { KernelFilter } from './filter.ts';

/** The kernel's side, by what all above it needs: the loaded programs are one, a recording is another. */
export interface Kernel extends SumsKernel {
  /** Hands out what the rings hold, a batch at a time, and returns its bytes; a batch is valid during the call only. */
  drain(handle: (bytes: Uint8Array) => void): number;
  /** One walk over the tracked sockets: `nowNs` is CLOCK_MONOTONIC. Returns the pass's number. */
  pass(nowNs: bigint): number;
  /** Fills `value`; false when there is no such row. */
  lookup(map: string, key: Uint8Array, value: Uint8Array): boolean;
  /** Takes a row of sums out, unless it was used since its cell of use was `seen`; then false. */
  takeRow(map: string, key: Uint8Array, seen: Uint8Array): boolean;
  update(map: string, key: Uint8Array, value: Uint8Array): void;
  /** From now on it is looked for in `thread_layouts` who publishes: before, nobody pays for that. */
  readThreads(): void;
  /**
   * From now on this is observed.
   * @throws RangeError when there are too many rules; the filter in force stays
   */
  setFilter(filter: KernelFilter): void;
}
