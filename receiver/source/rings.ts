import type { BpfSession, Ring } from '../../native/index.ts';

/** Whole records only, so each ring has at least one in a buffer of this size. */
const DRAIN_BYTES = 1 << 20;

type Handle = (bytes: Uint8Array) => void;

/** The ring of records, and the one of packets' points, of which there may be ever so many. */
export class Rings {
  /** What all but packets go through. */
  readonly events: Ring;
  readonly #packets: Ring;
  readonly #buffer = new Uint8Array(DRAIN_BYTES);
  #packetBuffer: Uint8Array | undefined;
  readonly #hasPackets: boolean;

  constructor(session: BpfSession, hasPackets: boolean) {
    this.events = session.ring('events');
    this.#packets = session.ring('packets');
    this.#hasPackets = hasPackets;
  }

  /** Hands out what the rings hold, a batch at a time; the bytes are valid during the call only. */
  drain(handle: Handle): number {
    const total = this.#drainEvents(handle);
    return this.#hasPackets ? total + this.#drainPackets(handle) : total;
  }

  #drainEvents(handle: Handle): number {
    let total = 0;
    for (;;) {
      const length = this.events.drain(this.#buffer);
      if (length === 0) return total;
      total += length;
      handle(this.#buffer.subarray(0, length));
    }
  }

  /**
   * As much as the ring can hold at one time, and no more: who sends packets faster than they are read takes no time of all
   * else. Records that were made before a packet are handed out before it.
   */
  #drainPackets(handle: Handle): number {
    const buffer = (this.#packetBuffer ??= new Uint8Array(DRAIN_BYTES));
    let total = 0;
    for (let left = this.#packets.size; left > 0;) {
      const length = this.#packets.drain(buffer);
      if (length === 0) break;
      left -= length;
      total += length + this.#drainEvents(handle);
      handle(buffer.subarray(0, length));
    }
    return total;
  }
}
