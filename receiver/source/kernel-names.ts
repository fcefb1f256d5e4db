import type { KernelNames } from '../model/record.ts';
import { KernelSymbols, type Code } from '../host/kernel-symbols.ts';

/** Where code of this kernel lies, as its symbols say: see `KernelNumbers`. */
export function codeOf(first: string, last?: string): Code | undefined {
  return new KernelSymbols().codeOf(first, last);
}

/** Numbers of this kernel's enums, and its addresses, to words. */
export function kernelNames(
  dropReasons: Readonly<Record<string, number>>,
  resetReasons: Readonly<Record<string, number>>,
): KernelNames {
  const invert = (values: Readonly<Record<string, number>>, prefix: string): Map<number, string> =>
    new Map(
      Object.entries(values).map(([name, value]) => [
        value,
        (name.startsWith(prefix) ? name.slice(prefix.length) : name).toLowerCase(),
      ]),
    );
  const drops = invert(dropReasons, 'SKB_DROP_REASON_');
  const resets = invert(resetReasons, 'SK_RST_REASON_');
  const symbols = new KernelSymbols();
  return {
    dropReason: (reason) => drops.get(reason) ?? `unknown_${String(reason)}`,
    resetReason: (reason) => (reason === 0 ? undefined : resets.get(reason)),
    functionAt: (address) => symbols.functionAt(address),
  };
}
