/** Programs whose filter a test changes, a room, and a process in it. */
import type { FilterRule } from '../../../config/index.ts';
import { findCgroupHierarchies } from '../../../receiver/host/cgroup-hierarchies.ts';
import { kernelFilterOf } from '../../../receiver/settings/filter.ts';
import type { KernelOptions } from '../../../receiver/source/kernel-options.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import { NetNamespace } from '../../support/net-namespace.ts';
import { TcpScript } from '../../support/script.ts';
import { NO_LISTENER, NOTHING, type Seen } from './talk.ts';
import { Watcher } from '../../support/watcher.ts';

/** Nothing of a conversation was seen. */
export const NONE: Seen = { client: NOTHING, server: NOTHING, listener: NO_LISTENER };
/** A listener that was there before the filter: it made its first record. */
export const OLD_LISTENER = { rows: 0, records: 1 };

/** Trees of control groups of this machine. */
export const hierarchies = findCgroupHierarchies('/proc');
export const hasV2 = hierarchies.some(({ number }) => number === 0);

export class FilterStage {
  readonly room: NetNamespace;
  readonly watcher: Watcher;
  readonly script: TcpScript;
  readonly #cleanup: Cleanup;

  /** `options`: of the programs; `refused`: those that are taken for refused by this kernel. */
  constructor(cleanup: Cleanup, options: Partial<KernelOptions> = {}, refused: readonly string[] = []) {
    this.#cleanup = cleanup;
    this.room = this.makeRoom();
    this.watcher = new Watcher(options, refused);
    cleanup.add(() => this.watcher.close());
    this.script = this.start(this.room);
  }

  makeRoom(): NetNamespace {
    const made = new NetNamespace();
    this.#cleanup.add(() => made.remove());
    return made;
  }

  /** One more process. */
  start(room: NetNamespace, options: Parameters<typeof TcpScript.start>[1] = {}): TcpScript {
    const started = TcpScript.start(room, options);
    this.#cleanup.add(() => started.stop());
    return started;
  }

  /** These rules are in force, also for what is open. */
  filter(include: readonly FilterRule[], exclude: readonly FilterRule[] = []): void {
    this.watcher.source.setFilter(kernelFilterOf({ include, exclude }, hierarchies));
    this.watcher.pass();
  }

  exclude(...rules: readonly FilterRule[]): void {
    this.filter([], rules);
  }
}
