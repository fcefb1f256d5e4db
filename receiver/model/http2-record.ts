/** A piece of the payload of a HEADERS or CONTINUATION frame that an HTTP/2 client wrote, as one of the ends saw it. */
export interface Http2Record {
  readonly kind: 'http2';
  readonly timeNs: bigint;
  readonly cookie: bigint;
  readonly netns: number;
  /** Whose socket it is: the client wrote it there, or it came to the server. */
  readonly role: 'client' | 'server';
  /** Pieces have numbers from 0 on their socket; none is left out. */
  readonly number: number;
  readonly stream: number;
  /** TCP sequence number of the frame's first byte. */
  readonly startSeq: number;
  /** Bytes of the frame's payload, and where in it the piece lies. */
  readonly frameLength: number;
  readonly offset: number;
  /** RFC 9113 section 6. */
  readonly type: number;
  readonly flags: number;
  /** What the client sends, secrets among it: valid while the record is handled, and kept by nobody. */
  readonly bytes: Uint8Array;
}
