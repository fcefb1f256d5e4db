import { tickNs, type BpfSession } from '../../native/index.ts';
import { FAMILIES } from '../signals/index.ts';
import type { KernelNumbers, VariableValue } from '../signals/kernel.ts';
import type { KernelOptions } from './kernel-options.ts';
import { mapSizes } from './map-sizes.ts';
import { u32, u64, u8 } from './number-bytes.ts';
import { programsOf, type Plan } from './plan.ts';
import { setRowLimits } from './row-maps.ts';
import { VERIFIED_INSTRUCTIONS } from './verified.ts';

/** Chooses the programs that are loaded, and sets all that is to be set before that. */
export function configure(
  session: BpfSession,
  plan: Plan,
  options: KernelOptions,
  numbers: KernelNumbers,
): void {
  const needed = new Set(programsOf(plan));
  for (const { name } of session.programs()) session.setAutoload(name, needed.has(name));
  for (const [program, count] of Object.entries(VERIFIED_INSTRUCTIONS)) session.setWeight(program, count);
  setKernelConfig(session, plan, options, numbers);
  setRowLimits(session);
}

/** Sets every variable and map size of an opened session. */
function setKernelConfig(
  session: BpfSession,
  plan: Plan,
  options: KernelOptions,
  numbers: KernelNumbers,
): void {
  for (const family of FAMILIES)
    for (const [name, value] of Object.entries(family.variables?.(options, { ...plan, ...numbers }) ?? {}))
      session.setVariable(name, bytesOf(value));
  session.setVariable('cfg_tick_ns', u32(tickNs()));
  session.setVariable('cfg_views', u8(Number(options.isViewed ?? false)));
  session.setVariable('cfg_subnets', u32(options.subnets.length));
  session.setVariable('cfg_ring_wakeup_bytes', u64(BigInt(options.ringBufferBytes >> 1)));
  // Maps that nobody needs keep one entry.
  for (const [map, entries] of Object.entries(mapSizes(options, plan))) session.setMaxEntries(map, entries);
}

function bytesOf(value: VariableValue): Uint8Array {
  return typeof value === 'bigint' ? u64(value) : u8(Number(value));
}
