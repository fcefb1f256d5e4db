/** What of requests may be in memory at once: those that wait, and those of which a part came. */
export class Room {
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  #requests = 0;
  #bytes = 0;

  constructor(maxRequests: number, maxBytes: number) {
    this.#maxRequests = maxRequests;
    this.#maxBytes = maxBytes;
  }

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room for so much, when there is so much. */
  take(requests: number, bytes: number): boolean {
    if (this.#requests + requests > this.#maxRequests || this.#bytes + bytes > this.#maxBytes) return false;
    this.#requests += requests;
    this.#bytes += bytes;
    return true;
  }

  give(requests: number, bytes: number): void {
    this.#requests -= requests;
    this.#bytes -= bytes;
  }
}
