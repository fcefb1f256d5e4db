import type { Attributes } from '@opentelemetry/api';

/**
 * A process as the kernel saw it at the event. Never looked up later: a process
 * that lived for a millisecond is still named right.
 */
export interface Owner {
  /** Thread group id in the initial pid namespace; 0 when no owner is known. */
  readonly pid: number;
  /** `task_struct.start_boottime` of the group leader, nanoseconds since boot (CLOCK_BOOTTIME). */
  readonly startNs: bigint;
  /** Counts up with each `execve()` of the process: the program that it was at the event. */
  readonly execs: number;
  /** `comm` of the group leader, at most 15 bytes. */
  readonly command: string;
  /** Base name of the executable file, '' when the kernel could not tell. */
  readonly executable: string;
  /** cgroup v2 id (inode number of its directory), 0n when unknown. */
  readonly cgroupId: bigint;
  /** Inode number of the network namespace. */
  readonly netns: number;
}

/** One OTLP resource: an observed workload, the host, or the agent itself. */
export interface ObservedResource {
  /** Stable identity: equal ids mean one OTLP resource. */
  readonly id: string;
  readonly kind: 'workload' | 'host' | 'agent';
  readonly attributes: Attributes;
}
