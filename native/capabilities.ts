import { readFileSync } from 'node:fs';

/** By bit, from linux/capability.h. */
const NAMES =
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
    .split(' ')
    .map((name) => `CAP_${name}`);

/** What a thread may do, from its `/proc/…/status`; a bit each for a capability. */
export interface ThreadPrivileges {
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly inheritable: bigint;
  readonly ambient: bigint;
  readonly noNewPrivileges: boolean;
}

/** @param names e.g. `CAP_BPF` */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(NAMES.indexOf(name))), 0n);
}

/** In the order of their numbers. */
export function capabilityNames(mask: bigint): string[] {
  return NAMES.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n);
}

/** What a thread of this process may do, by default the calling one; undefined when it is gone, or there is no /proc. */
export function readPrivileges(thread?: number): ThreadPrivileges | undefined {
  const folder = thread === undefined ? '/proc/thread-self' : `/proc/self/task/${String(thread)}`;
  try {
    const status = readFileSync(`${folder}/status`, 'latin1');
    const set = (field: string): bigint =>
      BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`);
    return {
      permitted: set('CapPrm'),
      effective: set('CapEff'),
      inheritable: set('CapInh'),
      ambient: set('CapAmb'),
      noNewPrivileges: set('NoNewPrivs') === 1n,
    };
  } catch {
    return undefined;
  }
}
