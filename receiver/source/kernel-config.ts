import { tickNs, type BpfSession } from '../../native/index.ts';
import { FAMILIES } from '../signals/index.ts';
import type { VariableValue } from '../signals/kernel.ts';
import type { KernelOptions } from './kernel-options.ts';
import { mapSizes } from './map-sizes.ts';
import { u32, u64, u8 } from './number-bytes.ts';
import type { Plan } from './plan.ts';

/** `accept` and `accept4`: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const ACCEPT_NUMBERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  x64: [43n, 288n],
  arm64: [202n, 242n],
};

/** Sets every variable and map size of an opened session. */
export function setKernelConfig(
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
