import type { FamilyOptions } from '../signals/index.ts';
import type { CommonOptions } from '../signals/kernel.ts';
import type { KernelFilter } from './filter.ts';
import type { Subnet } from './subnet.ts';

/** What the kernel side is told before it loads; see bpf/lib/config.bpf.h. */
export type KernelOptions = SourceOptions & FamilyOptions;

/** The part that is no family's own. */
export interface SourceOptions extends CommonOptions {
  /** Bytes, a power of two. */
  readonly ringBufferBytes: number;
  readonly maxOwners: number;
  /** Peer subnets, narrowest match wins; at most 256. */
  readonly subnets: readonly Subnet[];
  /** Mount point of cgroup v2, for the programs that are attached there; none: these are missing. */
  readonly cgroupRoot: string | undefined;
  /** Views may ask for records that nobody else wants: `askRecords`. */
  readonly isViewed?: boolean;
  /** Programs are loaded side by side in so many parts at most; without it, in as many as there are CPUs. */
  readonly loadParts?: number;
  /** What is observed; it can be changed later. */
  readonly filter: KernelFilter;
}
