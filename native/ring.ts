import { native } from './addon.ts';
import type { Handle } from './binding.ts';

/** The reader of one ring buffer. Made by `BpfSession.ring`. */
export class Ring {
  readonly #handle: Handle;

  /** @internal */
  constructor(handle: Handle) {
    this.#handle = handle;
  }

  /**
   * Moves whole records into `into` until the ring is empty or the next one does not fit, and
   * returns the bytes. Each record starts with `{u64 ts_ns, u32 kind, u32 size}`, has `size` bytes
   * and is padded with zeros to a multiple of 8. Call again while the result is not 0. When the
   * next record exceeds all of `into`: `ERR_NATIVE_SHORT` with `neededBytes`, and it stays.
   */
  drain(into: Uint8Array): number {
    return native().drain(this.#handle, into);
  }

  /**
   * Calls back once for each wake-up that the kernel side forces, from the event loop; does not
   * keep the process alive. A second call replaces the callback. Ends with `close`.
   */
  onReadable(callback: () => void): void {
    native().onReadable(this.#handle, callback);
  }

  /** Bytes in the ring, headers included. */
  unreadBytes(): number {
    return native().ringState(this.#handle).unread;
  }

  /** Bytes. */
  get size(): number {
    return native().ringState(this.#handle).size;
  }

  /** Records handed out by `drain` so far. */
  get records(): number {
    return native().ringState(this.#handle).records;
  }

  /** Records left out because their header's `size` contradicts the length that the ring has. */
  get misframed(): number {
    return native().ringState(this.#handle).misframed;
  }

  /** Idempotent. Unread records stay in the kernel's ring. */
  close(): void {
    native().closeRing(this.#handle);
  }
}
