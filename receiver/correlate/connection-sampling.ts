/** Which connections get a span of their own, of those that the mode allows. */
export interface ConnectionSampling {
  /** Share of connections, 0 to 1. */
  readonly ratio: number;
  /** Seconds: a handshake or a round trip that takes as long is slow. */
  readonly slowSeconds: number;
}
