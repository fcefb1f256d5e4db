import { kernelAnswers } from './attach.ts';
import { beginLoad } from './begun-load.ts';
import type { KernelOptions } from './kernel-options.ts';
import { BPF_OBJECT, KernelSource } from './kernel-source.ts';
import { planFor, withBestPlan } from './plan.ts';

/** Programs that are loaded while something else is done. */
export interface BegunSource {
  /** @throws NativeError as `KernelSource.start` */
  finish(): KernelSource;
  /** Gives all back; after `finish` nothing. */
  cancel(): void;
}

/**
 * As `KernelSource.start`, but the kernel reads the programs in other threads until `finish` waits for them.
 * @throws NativeError when the maps cannot be made
 */
export function beginSource(options: KernelOptions): BegunSource {
  const answers = kernelAnswers(BPF_OBJECT, options.cgroupRoot);
  const first = planFor(answers, options);
  const begun = [beginLoad(first, options, BPF_OBJECT)];
  return {
    finish: () =>
      withBestPlan(
        answers,
        options,
        (plan) => KernelSource.of(plan, options, begun.pop() ?? beginLoad(plan, options, BPF_OBJECT)),
        first,
      ),
    cancel: () => begun.pop()?.session.close(),
  };
}
