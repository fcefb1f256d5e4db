import type { CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import type { BegunSource } from '../source/begin-source.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import type { LoadedSettings } from './reload-plan.ts';

/** An agent whose programs are being loaded. */
export interface BegunAgent {
  /** The settings in force, and where they are read from again. */
  readonly running: LoadedSettings;
  readonly load: () => LoadedSettings;
  /** What the kernel was asked for. */
  readonly started: KernelOptions;
  readonly hierarchies: readonly CgroupHierarchy[];
  readonly source: BegunSource;
}
