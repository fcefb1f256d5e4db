/** A peer's receive window was closed while data waited for it. */
export interface ZeroWindow {
  /** When the peer said it first, CLOCK_MONOTONIC nanoseconds. */
  readonly startNs: bigint;
  /** `wirespan.tcp.zero_window.end`. */
  readonly end: string;
  /** Payload bytes that were written and not sent. */
  readonly bytesWaiting: number;
  /** Segments of the peer that said it. */
  readonly announcements: number;
  /** TCP sequence number (32 bits) of the first byte that waited. */
  readonly seq: number;
}
