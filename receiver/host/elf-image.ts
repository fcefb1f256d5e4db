import type { ProcessMemory } from './process-memory.ts';

/**
 * An ELF file as a process has it in its memory (System V ABI, ELF-64, least significant byte first), as far as
 * thread-local variables need it. Nothing is read of the file itself, so namespaces and deleted files do not matter.
 */
export interface ElfImage {
  /** What its addresses are moved by. */
  readonly bias: bigint;
  /** Where its program headers are in memory: the kernel tells a process this of its executable (AT_PHDR). */
  readonly headersAt: bigint;
  /** `e_machine`. */
  readonly machine: number;
  /** `PT_TLS`. */
  readonly threadLocal: { readonly bytes: bigint; readonly alignment: bigint };
  readonly dynamic: ReadonlyMap<number, bigint>;
}

/** A symbol of the dynamic table: its number there, and its place in the module's thread-local block. */
export interface ThreadSymbol {
  readonly index: number;
  readonly offset: bigint;
}

/** A relocation that the dynamic linker applied; `at`: the address of what it filled in. */
export interface Relocation {
  readonly at: bigint;
  readonly type: number;
  /** 0: of the module itself. */
  readonly symbol: number;
  readonly addend: bigint;
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 24;
const MAGIC = '7f454c46020101';
const maxProgramHeaders = 64;
const maxDynamicBytes = 64 * 1024;
/** A table has at most so many; the largest that were seen have 3 MiB. */
const maxTableBytes = 16 * 1024 * 1024;
const STT_TLS = 6;

const PT = { load: 1, dynamic: 2, tls: 7 } as const;
/** `d_tag` of the dynamic section. */
const DT = {
  jumpBytes: 2,
  strings: 5,
  symbols: 6,
  relocations: 7,
  relocationBytes: 8,
  stringBytes: 10,
  jumps: 23,
} as const;

interface ProgramHeader {
  readonly type: number;
  readonly address: bigint;
  readonly memoryBytes: bigint;
  readonly alignment: bigint;
}

/** Undefined: none begins at this address, or it has no thread-local variables or no dynamic section. */
export async function readElfImage(memory: ProcessMemory, start: bigint): Promise<ElfImage | undefined> {
  const header = await memory.read(start, HEADER_BYTES);
  if (header?.toString('hex', 0, 7) !== MAGIC) return undefined;
  const count = header.readUInt16LE(56);
  const headersAt = start + header.readBigUInt64LE(32);
  if (count > maxProgramHeaders || header.readUInt16LE(54) !== PROGRAM_HEADER_BYTES) return undefined;
  const bytes = await memory.read(headersAt, count * PROGRAM_HEADER_BYTES);
  const headers = bytes && programHeaders(bytes);
  const first = headers?.find(({ type }) => type === PT.load);
  const tls = headers?.find(({ type }) => type === PT.tls);
  const dynamicAt = headers?.find(({ type }) => type === PT.dynamic);
  if (first === undefined || tls === undefined || dynamicAt === undefined) return undefined;
  const bias = start - (first.address & -4096n);
  const dynamic = await readDynamic(memory, bias + dynamicAt.address, dynamicAt.memoryBytes);
  if (dynamic === undefined) return undefined;
  const threadLocal = { bytes: tls.memoryBytes, alignment: tls.alignment === 0n ? 1n : tls.alignment };
  return { bias, headersAt, machine: header.readUInt16LE(18), threadLocal, dynamic };
}

function programHeaders(bytes: Buffer): ProgramHeader[] {
  const headers: ProgramHeader[] = [];
  for (let at = 0; at < bytes.length; at += PROGRAM_HEADER_BYTES)
    headers.push({
      type: bytes.readUInt32LE(at),
      address: bytes.readBigUInt64LE(at + 16),
      memoryBytes: bytes.readBigUInt64LE(at + 40),
      alignment: bytes.readBigUInt64LE(at + 48),
    });
  return headers;
}

async function readDynamic(
  memory: ProcessMemory,
  at: bigint,
  length: bigint,
): Promise<Map<number, bigint> | undefined> {
  if (length > maxDynamicBytes) return undefined;
  const bytes = await memory.read(at, Number(length));
  if (bytes === undefined) return undefined;
  const entries = new Map<number, bigint>();
  for (let entry = 0; entry + 16 <= bytes.length; entry += 16) {
    const tag = bytes.readBigUInt64LE(entry);
    if (tag === 0n) break;
    if (tag < 2n ** 31n) entries.set(Number(tag), bytes.readBigUInt64LE(entry + 8));
  }
  return entries;
}

/** The thread-local variable of this name and size that the image defines and exports. */
export async function findThreadSymbol(
  memory: ProcessMemory,
  image: ElfImage,
  { variable, bytes }: { readonly variable: string; readonly bytes: number },
): Promise<ThreadSymbol | undefined> {
  const [symbolsAt, stringsAt] = [addressOf(image, DT.symbols), addressOf(image, DT.strings)];
  const strings = await readTable(memory, stringsAt, image.dynamic.get(DT.stringBytes));
  // Most images do not have the name: their symbols need not be read.
  const names = strings === undefined ? new Set<number>() : placesOf(strings, variable);
  if (names.size === 0 || symbolsAt === undefined || stringsAt === undefined) return undefined;
  // No linker says how many symbols there are; all put the strings behind them.
  const symbols = await readTable(memory, symbolsAt, stringsAt - symbolsAt);
  if (symbols === undefined) return undefined;
  for (let at = 0; at + SYMBOL_BYTES <= symbols.length; at += SYMBOL_BYTES) {
    const isIt = names.has(symbols.readUInt32LE(at)) && (symbols.readUInt8(at + 4) & 0xf) === STT_TLS;
    const isDefined =
      symbols.readUInt16LE(at + 6) !== 0 && symbols.readBigUInt64LE(at + 16) === BigInt(bytes);
    if (isIt && isDefined) return { index: at / SYMBOL_BYTES, offset: symbols.readBigUInt64LE(at + 8) };
  }
  return undefined;
}

/** Where a name stands, or is the end of a longer one: linkers keep one string for both. */
function placesOf(strings: Buffer, name: string): Set<number> {
  const found = new Set<number>();
  for (let at = 0; (at = strings.indexOf(`${name}\0`, at, 'latin1')) >= 0; at += 1) found.add(at);
  return found;
}

/** Relocations of these types. Undefined when they cannot be read. */
export async function readRelocations(
  memory: ProcessMemory,
  image: ElfImage,
  types: ReadonlySet<number>,
): Promise<Relocation[] | undefined> {
  const found: Relocation[] = [];
  for (const [table, size] of [
    [DT.relocations, DT.relocationBytes],
    [DT.jumps, DT.jumpBytes],
  ] as const) {
    if (!image.dynamic.has(table)) continue;
    const bytes = await readTable(memory, addressOf(image, table), image.dynamic.get(size));
    if (bytes === undefined) return undefined;
    for (let at = 0; at + RELOCATION_BYTES <= bytes.length; at += RELOCATION_BYTES) {
      const type = bytes.readUInt32LE(at + 8);
      if (!types.has(type)) continue;
      const addend = bytes.readBigInt64LE(at + 16);
      const symbol = bytes.readUInt32LE(at + 12);
      found.push({ at: image.bias + bytes.readBigUInt64LE(at), type, symbol, addend });
    }
  }
  return found;
}

/** glibc moves the addresses of the dynamic section where it can be written, musl does not. */
function addressOf({ bias, dynamic }: ElfImage, tag: number): bigint | undefined {
  const address = dynamic.get(tag);
  if (address === undefined) return undefined;
  return address < bias ? address + bias : address;
}

async function readTable(
  memory: ProcessMemory,
  at: bigint | undefined,
  length: bigint | undefined,
): Promise<Buffer | undefined> {
  if (at === undefined || length === undefined || length <= 0n || length > maxTableBytes) return undefined;
  return memory.read(at, Number(length));
}
