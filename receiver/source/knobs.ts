import { tickNs, type BpfSession } from '../../native/index.ts';
import { SUBNET_KEY } from '../decode/generated/layout.ts';
import { FAMILIES, type FamilyOptions } from '../signals/index.ts';
import type { CommonOptions, VariableValue } from '../signals/kernel.ts';
import type { KernelFilter } from './filter.ts';
import { mapSizes } from './map-sizes.ts';
import type { Plan } from './plan.ts';

/** `address` is text; `prefixLength` counts its family's bits. */
export interface Subnet {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** What the kernel side is told before it loads; see bpf/lib/config.bpf.h. */
export type KernelOptions = SourceOptions & FamilyOptions;

/** The part that is no family's own. */
export interface SourceOptions extends CommonOptions {
  /** Bytes, a power of two. */
  readonly ringBufferBytes: number;
  readonly maxOwners: number;
  /** Peer subnets, narrowest match wins; at most 256. */
  readonly subnets: readonly Subnet[];
  /** What is observed; it can be changed later. */
  readonly filter: KernelFilter;
}

/** `accept` and `accept4`: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const ACCEPT_NUMBERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  x64: [43n, 288n],
  arm64: [202n, 242n],
};

/** Sets every knob and map size of an opened session. */
export function setKnobs(
  session: BpfSession,
  plan: Plan,
  options: KernelOptions,
  reasons: Readonly<Record<string, number>>,
): void {
  for (const family of FAMILIES)
    for (const [name, value] of Object.entries(family.variables?.(options, plan) ?? {}))
      session.setVariable(name, bytesOf(value));
  session.setVariable('cfg_tick_ns', u32(tickNs()));
  session.setVariable('cfg_drop_consumed', u32(reasons['SKB_CONSUMED'] ?? 0));
  session.setVariable('cfg_drop_queue_purge', u32(reasons['SKB_DROP_REASON_QUEUE_PURGE'] ?? 0));
  session.setVariable('cfg_subnets', u32(options.subnets.length));
  session.setVariable('cfg_ring_wakeup_bytes', u64(BigInt(options.ringBufferBytes >> 1)));
  const acceptNumbers = BigUint64Array.from(ACCEPT_NUMBERS[process.arch] ?? [0n, 0n]);
  session.setVariable('cfg_accept_nr', new Uint8Array(acceptNumbers.buffer));
  // Maps that nobody needs keep one entry.
  for (const [map, entries] of Object.entries(mapSizes(options, plan))) session.setMaxEntries(map, entries);
}

function bytesOf(value: VariableValue): Uint8Array {
  return typeof value === 'bigint' ? u64(value) : u8(Number(value));
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

export function u64(value: bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([value]).buffer);
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** `struct subnet_key`: IPv4 lies in ::ffff:0:0/96. */
export function subnetKey({ address, prefixLength, family }: Subnet): Uint8Array {
  const key = new Uint8Array(SUBNET_KEY.size);
  const bits = family === 'ipv4' ? 96 + prefixLength : prefixLength;
  key.set(u32(bits), SUBNET_KEY.prefix_length);
  key.set(family === 'ipv4' ? ipv4Bytes(address) : ipv6Bytes(address), SUBNET_KEY.address);
  return key;
}

function ipv4Bytes(address: string): number[] {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address.split('.').map(Number)];
}

function ipv6Bytes(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    return ipv6Bytes(`${String(dotted[1])}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
