import { hideMemory, probe } from '../../native/index.ts';
import { readLimits } from '../host/limits.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import { limitProblem } from './limit-problem.ts';

/** Exit status of a machine or a user that cannot run the agent. */
export const EXIT_UNSUPPORTED = 3;

export const NO_BTF = 'run one built with CONFIG_DEBUG_INFO_BTF=y';
export const TOO_OLD = 'run Linux 5.15 or newer';
export const NO_BPF = 'run it as root, or with CAP_BPF and CAP_PERFMON';

/** A machine that lacks what the agent needs, in one sentence. */
export class UnsupportedError extends Error {
  readonly exitCode = EXIT_UNSUPPORTED;
}

/**
 * Before anything is loaded; from here on the process is not dumpable.
 * @throws UnsupportedError when programs cannot be loaded here
 */
export function checkSupport(options: KernelOptions): void {
  const lacking = limitProblem(options, readLimits());
  if (lacking !== undefined) throw new UnsupportedError(lacking);
  hideMemory();
  const answer = probe();
  if (!answer.btf)
    throw new UnsupportedError(
      `The kernel ${answer.kernel} has no BTF (/sys/kernel/btf/vmlinux): ${NO_BTF}.`,
    );
  if (!answer.bpf) throw new UnsupportedError(`This process may not load BPF programs: ${NO_BPF}.`);
  if (!answer.atomics)
    throw new UnsupportedError(
      `The kernel ${answer.kernel} takes no BPF programs that compare and exchange: ${TOO_OLD}.`,
    );
}
