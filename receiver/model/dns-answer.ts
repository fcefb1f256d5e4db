/** What a name server answered, as it came to a socket over UDP. */
export interface DnsAnswerRecord {
  readonly kind: 'dns_answer';
  /** When it came, CLOCK_MONOTONIC nanoseconds. */
  readonly timeNs: bigint;
  /** RFC 1035 section 4; absent: it is longer than the kernel side copies. */
  readonly message?: Uint8Array;
}
