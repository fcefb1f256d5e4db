import { readRelocations, type ElfImage, type Relocation, type ThreadSymbol } from './elf-image.ts';
import type { ProcessMemory } from './process-memory.ts';

/** Where a thread-local variable is: so many bytes from the thread pointer, or in the block of a module. */
export interface ThreadVariable {
  readonly offset: bigint;
  readonly module: number;
}

/** Relocations by machine: x86-64 psABI, AArch64 ELF. */
const RELOCATIONS = {
  x64: { module: 16, place: 18, descriptor: 36 },
  arm64: { module: 1028, place: 1030, descriptor: 1031 },
} as const;
/** More modules than a process can have: what is above is no number of one. */
const maxModules = 65_536n;
/** On arm64, the thread pointer points at two words of the C library (variant I of ELF's thread-local storage). */
const RESERVED_BYTES = 16n;

/**
 * Works it out as the code does that uses the variable: by what the dynamic linker filled in for it. Undefined: it did
 * not yet, or the code has another way.
 */
export async function readThreadVariable(
  memory: ProcessMemory,
  image: ElfImage,
  symbol: ThreadSymbol,
  { architecture, isExecutable }: { readonly architecture: string; readonly isExecutable: boolean },
): Promise<ThreadVariable | undefined> {
  const types = architecture === 'arm64' ? RELOCATIONS.arm64 : RELOCATIONS.x64;
  const all = await readRelocations(memory, image, new Set(Object.values(types)));
  if (all === undefined) return undefined;
  // Where nobody else can define the symbol, the module stands for it.
  const isOfIt = (one: Relocation): boolean =>
    one.symbol === symbol.index ||
    (one.symbol === 0 && (one.type === types.module || one.addend === symbol.offset));
  const ours = all.filter(isOfIt);
  const direct = ours.find(({ symbol: index }) => index !== 0);
  for (const [type, read] of [
    [types.descriptor, readDescriptor],
    [types.module, readModule],
    [types.place, readPlace],
  ] as const) {
    const one = [direct, ...ours].find((relocation) => relocation?.type === type);
    if (one !== undefined) return read(memory, one, symbol, image);
  }
  return isExecutable ? inExecutable(image, symbol, architecture) : undefined;
}

/** A function and its argument: the offset, or the address of a module's number and the place in it. */
async function readDescriptor(
  memory: ProcessMemory,
  { at }: Relocation,
  symbol: ThreadSymbol,
  image: ElfImage,
): Promise<ThreadVariable | undefined> {
  const bytes = await memory.read(at, 16);
  if (bytes === undefined || bytes.readBigUInt64LE(0) === 0n) return undefined;
  const argument = bytes.readBigInt64LE(8);
  if (argument <= 0xffff_ffffn) return argument === 0n ? undefined : { offset: argument, module: 0 };
  const pair = await memory.read(argument, 16);
  return pair && inModule(pair.readBigUInt64LE(0), pair.readBigUInt64LE(8), symbol, image);
}

/** Two words: the module's number and the place in it, which the linker leaves out of a module's own. */
async function readModule(
  memory: ProcessMemory,
  { at, symbol: index }: Relocation,
  symbol: ThreadSymbol,
  image: ElfImage,
): Promise<ThreadVariable | undefined> {
  const bytes = await memory.read(at, 16);
  const place = index === 0 ? symbol.offset : bytes?.readBigUInt64LE(8);
  return bytes && inModule(bytes.readBigUInt64LE(0), place ?? 0n, symbol, image);
}

/** One word: the offset from the thread pointer. */
async function readPlace(memory: ProcessMemory, { at }: Relocation): Promise<ThreadVariable | undefined> {
  const offset = (await memory.read(at, 8))?.readBigInt64LE();
  return offset === undefined || offset === 0n ? undefined : { offset, module: 0 };
}

/** Checked, since what is read may be something else while the linker is at it. */
function inModule(
  module: bigint,
  offset: bigint,
  symbol: ThreadSymbol,
  image: ElfImage,
): ThreadVariable | undefined {
  const isOne = module > 0n && module < maxModules;
  return isOne && offset === symbol.offset && offset < image.threadLocal.bytes
    ? { offset, module: Number(module) }
    : undefined;
}

/** The executable's block lies next to the thread pointer: before it on x86-64, after it on arm64. */
function inExecutable({ threadLocal }: ElfImage, symbol: ThreadSymbol, architecture: string): ThreadVariable {
  const { bytes, alignment } = threadLocal;
  const roundUp = (value: bigint): bigint => ((value + alignment - 1n) / alignment) * alignment;
  const start = architecture === 'arm64' ? roundUp(RESERVED_BYTES) : -roundUp(bytes);
  return { offset: start + symbol.offset, module: 0 };
}
