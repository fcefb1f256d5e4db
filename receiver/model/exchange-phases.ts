/**
 * What the kernel side noted of how an exchange divides: moments, of CLOCK_MONOTONIC and 0n where they are not known, and
 * durations, all in nanoseconds. What is sent is a client's request, or a server's response.
 */
export interface ExchangePhases {
  /** The last byte of the request came to the server. */
  readonly cameNs: bigint;
  /** The server had read all of the request; the client had read all that had come of the response. */
  readonly readNs: bigint;
  /** So long something of the response waited to be read at the client, up to `readNs`. */
  readonly queuedNs: bigint;
  /** Since then something does. */
  readonly waitsNs: bigint;
  /** The last write of what is sent began. */
  readonly writtenNs: bigint;
  /** After that, bytes were last seen to wait to be sent. */
  readonly unsentNs: bigint;
  /** So long nothing moved after that, until a segment was sent again; which part of it was before `unsentNs`. */
  readonly lostNs: bigint;
  readonly lostUnsentNs: bigint;
  /** The same between writes for which there was not enough room, and what is left of the time between those. */
  readonly earlierUnsentNs: bigint;
  readonly earlierLostNs: bigint;
  readonly earlierUnknownNs: bigint;
  /** A client's connection that was opened for this request was begun, and its handshake over; 0n: it was opened for none, or another. */
  readonly connectNs: bigint;
  readonly establishedNs: bigint;
  /** An application accepted the server's connection; 0n: not known. */
  readonly acceptedNs: bigint;
  /** Segments that a program saw sent again. */
  readonly segmentsSeen: number;
  /** What came had a gap, or was met by two CPUs: when it was there to be read is not known. */
  readonly isUnclear: boolean;
}
