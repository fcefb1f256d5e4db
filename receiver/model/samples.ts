/** Which histograms a view prints. The kernel makes them of every sample: slots by powers of two. */
export interface SamplesWanted {
  /** Smoothed RTT (microseconds) at each segment, the accept queue at each connection, runs of softirqs (nanoseconds). */
  readonly of: 'rtt' | 'backlog' | 'softirq';
  /** A value is divided by this before it finds its slot. */
  readonly unit: number;
  /** What tells histograms apart, besides the address family, the queue's limit and the vector. */
  readonly by: readonly ('local' | 'remote' | 'cpu')[];
}

/** What one histogram gained. */
export interface SampleHistogram {
  /** 4 or 6; 0: no address. */
  readonly family: number;
  /** Absent: histograms are not told apart by it. */
  readonly localAddress: string | undefined;
  readonly remoteAddress: string | undefined;
  /** The limit of the accept queue; of others nothing that counts. */
  readonly number: number;
  /** The name of the softirq; of others undefined. */
  readonly vector: string | undefined;
  readonly cpu: number;
  /** Samples in each slot: the first is 0 and 1, slot i from 2^i to 2^(i + 1) - 1, in units. */
  readonly slots: readonly number[];
  /** All samples together, not divided by the unit. */
  readonly sum: number;
}
