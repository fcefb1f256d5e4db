import { accessSync, constants, readFileSync } from 'node:fs';
import { release } from 'node:os';

/** What the kernel and this process can do. */
export interface ProbeAnswer {
  /** The kernel shows its types in /sys/kernel/btf/vmlinux. */
  readonly btf: boolean;
  /** This process may load tracing programs. */
  readonly bpf: boolean;
  /** Effective ones, e.g. `CAP_BPF`. */
  readonly capabilities: string[];
  /** `uname -r`. */
  readonly kernel: string;
}

/** By bit, from linux/capability.h. */
const CAPABILITIES =
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'.split(
    ' ',
  );

/** `mayLoad`: whether the kernel took a program. */
export function describeMachine(mayLoad: boolean): ProbeAnswer {
  const mask = effectiveCapabilities();
  return {
    btf: isReadable('/sys/kernel/btf/vmlinux'),
    bpf: mayLoad,
    capabilities: CAPABILITIES.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n).map(
      (name) => `CAP_${name}`,
    ),
    kernel: release(),
  };
}

function effectiveCapabilities(): bigint {
  try {
    const status = readFileSync('/proc/thread-self/status', 'latin1');
    return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  } catch {
    return 0n; // no /proc
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
