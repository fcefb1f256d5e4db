/** Lets `perSecond` through on average and `burst` at once. 0 a second: no limit. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #lastNs: bigint;

  constructor(perSecond: number, burst: number, nowNs: bigint) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#lastNs = nowNs;
  }

  /** Is there a token at `nowNs` (CLOCK_MONOTONIC)? Takes none. */
  hasToken(nowNs: bigint): boolean {
    if (this.#perSecond === 0) return true;
    if (nowNs > this.#lastNs) {
      const seconds = Number(nowNs - this.#lastNs) / 1e9;
      this.#tokens = Math.min(this.#burst, this.#tokens + seconds * this.#perSecond);
      this.#lastNs = nowNs;
    }
    return this.#tokens >= 1;
  }

  /** Takes a token; call only after `hasToken` said yes. */
  take(): void {
    if (this.#perSecond !== 0) this.#tokens -= 1;
  }
}
