import { accessSync, constants } from 'node:fs';
import { release } from 'node:os';
import { capabilityNames, readPrivileges } from './capabilities.ts';

/** What the kernel and this process can do. */
export interface ProbeAnswer {
  /** The kernel shows its types in /sys/kernel/btf/vmlinux. */
  readonly btf: boolean;
  /** This process may load tracing programs. */
  readonly bpf: boolean;
  /** The kernel takes programs that compare and exchange (Linux 5.12); false also where `bpf` is. */
  readonly atomics: boolean;
  /** Effective ones, e.g. `CAP_BPF`. */
  readonly capabilities: string[];
  /** `uname -r`. */
  readonly kernel: string;
}

/** `mayLoad`: whether the kernel took a program; `atomics`: one that compares and exchanges. */
export function describeMachine(mayLoad: boolean, atomics: boolean): ProbeAnswer {
  return {
    btf: isReadable('/sys/kernel/btf/vmlinux'),
    bpf: mayLoad,
    atomics,
    capabilities: capabilityNames(readPrivileges()?.effective ?? 0n),
    kernel: release(),
  };
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
