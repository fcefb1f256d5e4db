/** What a page of `wirespan report` says, as it also stands in it as JSON. Times are seconds where nothing else is said. */
export interface Report {
  /** The version of this layout: it grows when a member goes or means something else, not for a new one. */
  readonly version: 1;
  readonly facts: Facts;
  readonly totals: Totals;
  /** Slices of `Breakdown`: all of one length, the first begins at `startMs` (Unix milliseconds). */
  readonly slices: { readonly startMs: number; readonly seconds: number; readonly count: number };
  readonly retransmits: { readonly byType: Breakdown; readonly byPeer: Breakdown };
  readonly drops: { readonly byReason: Breakdown; readonly byPeer: Breakdown };
  readonly resets: { readonly byDirection: Breakdown; readonly byPeer: Breakdown };
  readonly failures: { readonly byError: Breakdown; readonly byPeer: Breakdown };
  readonly rtt: readonly Distribution[];
  readonly handshakes: readonly Distribution[];
  readonly acceptQueues: { readonly fill: readonly Distribution[]; readonly listeners: Ranking<ListenerRow> };
  readonly softirqs: SoftirqTimes;
  readonly connections: {
    readonly byLosses: Ranking<ConnectionRow>;
    readonly byRtt: Ranking<ConnectionRow>;
    readonly byLifetime: Ranking<ConnectionRow>;
  };
  readonly requests: Ranking<RequestRow>;
}

/** Where and when it was, and how much of it is here. */
export interface Facts {
  readonly host: string;
  readonly kernel: string;
  readonly architecture: string;
  /** The version that recorded. */
  readonly wirespan: string;
  readonly startMs: number;
  readonly seconds: number;
  readonly areAddressesMasked: boolean;
  /** Records that were decoded. */
  readonly records: number;
  /** Why the recording is not whole, in one sentence. */
  readonly problem?: string;
  /** Why it ended: `asked`, `time` or `size`; absent where the end is not there. */
  readonly ended?: string;
  /** What was lost, or kept out by a bound, and how often. */
  readonly leftOut: readonly { readonly what: string; readonly count: number }[];
  /** What this kernel could not be asked. */
  readonly notSeen: readonly { readonly probe: string; readonly why: string }[];
}

export interface Totals {
  readonly opened: number;
  readonly failed: number;
  readonly closed: number;
  readonly segmentsSent: number;
  readonly segmentsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly retransmits: number;
  readonly drops: number;
  readonly resets: number;
  readonly acceptOverflows: number;
  readonly synOverflows: number;
}

/** A sum by name and over time. */
export interface Breakdown {
  readonly total: number;
  /** The largest first. */
  readonly parts: readonly Part[];
  /** All other names together. */
  readonly others: Omit<Part, 'name'> & {
    /** How many names; a few at least where `isUncounted`. */
    readonly names: number;
    /** There were too many names to know each. */
    readonly isUncounted: boolean;
  };
}

export interface Part {
  readonly name: string;
  readonly total: number;
  /** By slice. */
  readonly slices: readonly number[];
}

/** Counts between boundaries: the first up to and with the first of them, the last above the last. */
export interface Distribution {
  readonly name: string;
  readonly boundaries: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export interface Ranking<Row> {
  readonly rows: readonly Row[];
  /** How many there are that are not among the rows. */
  readonly more: number;
}

/** A connection; what is not known is left out. */
export interface ConnectionRow {
  readonly id: string;
  readonly service: string;
  readonly executable: string;
  readonly pid?: number;
  readonly role?: string;
  readonly local: string;
  readonly peer: string;
  /** It did not close in this time: its figures are those of its events alone. */
  readonly isOpen: boolean;
  /** Segments: of its whole life, or of this time where it is open. */
  readonly retransmitted: number;
  /** Packets of it that this kernel dropped in this time. */
  readonly drops: number;
  readonly lifetime?: number;
  readonly rtt?: number;
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
  readonly closeReason?: string;
  readonly error?: string;
}

export interface ListenerRow {
  readonly service: string;
  readonly address: string;
  readonly limit: number;
  /** The most that a reading found waiting. */
  readonly mostWaiting: number;
  readonly accepts: number;
  /** Seconds that all accepts together waited in the queue. */
  readonly waited: number;
  readonly overflows: number;
  readonly synOverflows: number;
}

/** Seconds of CPU time. */
export interface SoftirqTimes {
  readonly total: number;
  readonly byVector: readonly { readonly vector: string; readonly seconds: number }[];
  readonly byCpu: readonly {
    readonly cpu: number;
    readonly seconds: number;
    /** In the order of `byVector`. */
    readonly vectors: readonly number[];
  }[];
}

/** A request of an application that something happened to on the network. */
export interface RequestRow {
  readonly traceId: string;
  readonly service: string;
  readonly peer: string;
  /** Unix milliseconds of the first of it. */
  readonly firstMs: number;
  /** Seconds: the longest loss episode, exchange or handshake that has a span; 0: it has none. */
  readonly longest: number;
  readonly retransmitted: number;
  readonly drops: number;
  readonly resets: number;
  readonly failures: number;
}
