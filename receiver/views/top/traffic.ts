import { History } from './history.ts';

/** What one interval moved. Bytes are payload. */
export interface Gained {
  sent: number;
  received: number;
  /** Segments. */
  retransmits: number;
  /** Sum of the samples, and the longest, microseconds. */
  rttUs: number;
  mostRttUs: number;
  /** How many samples there were. */
  rtts: number;
}

export const NOTHING: Readonly<Gained> = {
  ...{ sent: 0, received: 0, retransmits: 0 },
  ...{ rttUs: 0, mostRttUs: 0, rtts: 0 },
};

/** Traffic of a connection, or of all connections of a process or container. Bytes are payload. */
export class Traffic {
  /** Since a connection began; since a process or container was met. */
  sent = 0;
  received = 0;
  /** Segments. */
  retransmits = 0;
  /** Bytes a second in the last interval. */
  sentRate = 0;
  receivedRate = 0;
  /** Segments in the last interval. */
  lastRetransmits = 0;
  /** Mean of the last samples; 0: there was none. */
  rttUs = 0;
  readonly history = new History();
  #last: { readonly interval: number; readonly gained: Readonly<Gained> } | undefined;
  #gained: Gained = { ...NOTHING };

  move(sent: number, received: number): void {
    this.sent += sent;
    this.received += received;
    this.#gained.sent += sent;
    this.#gained.received += received;
  }

  resend(segments: number): void {
    this.retransmits += segments;
    this.#gained.retransmits += segments;
  }

  sample(rttUs: number): void {
    if (rttUs === 0) return;
    this.#gained.rttUs += rttUs;
    this.#gained.mostRttUs = Math.max(this.#gained.mostRttUs, rttUs);
    this.#gained.rtts += 1;
  }

  /** What this interval moved, if it was the last one that moved something. */
  gainedIn(interval: number): Readonly<Gained> | undefined {
    return this.#last?.interval === interval ? this.#last.gained : undefined;
  }

  /** Ends an interval of `seconds`. */
  end(interval: number, seconds: number): void {
    const gained = this.#gained;
    const { sent, received, retransmits, rttUs, rtts } = gained;
    this.#gained = { ...NOTHING };
    this.sentRate = sent / seconds;
    this.receivedRate = received / seconds;
    this.lastRetransmits = retransmits;
    if (rtts > 0) this.rttUs = rttUs / rtts;
    const isQuiet = sent + received + retransmits + rtts === 0;
    if (isQuiet) return;
    this.#last = { interval, gained };
    this.history.set(interval, { moved: (sent + received) / seconds, rtt: this.rttUs, retransmits });
  }
}
