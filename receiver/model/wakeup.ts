/** A thread had a CPU for so long, of the time that a reader waited for it. */
export interface CpuRun {
  readonly ns: bigint;
  readonly thread: number;
  /** Its process; 0: the CPU was idle. */
  readonly pid: number;
  readonly command: string;
}

/** A thread that was woken since there was data for it. */
export interface Wakeup {
  /** From ready to woken. */
  readonly wakeNs: bigint;
  /** From woken to running. */
  readonly runNs: bigint;
  /** The kernel's number of it. */
  readonly thread: number;
  /** Logical number: where it ran. */
  readonly cpu: number;
  readonly waker: {
    /** What was running there, by itself or interrupted by the softirq. */
    readonly pid: number;
    readonly command: string;
    readonly cpu: number;
    /** Threads that were woken for this data so far, this one included. */
    readonly woken: number;
    /** `wirespan.softirq.vector` of the softirq that woke it; undefined: no softirq did. */
    readonly vector?: string;
  };
  /** What had its CPU while it waited for it, latest first. */
  readonly runs: readonly CpuRun[];
  /** More ran, before those. */
  readonly hasMoreRuns: boolean;
}
