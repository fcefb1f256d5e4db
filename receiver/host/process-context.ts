import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { readContextPayload } from './context-payload.ts';

/**
 * What a process publishes of itself in its memory, by OTEP 4719 of OpenTelemetry: a mapping named `OTEL_CTX` with a
 * header, which points at a payload. Nothing else of its memory is read.
 */
export type ProcessContext = ReadonlyMap<string, string>;

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly device: string;
  readonly inode: string;
  readonly name: string;
}

const HEADER_BYTES = 32;
const SIGNATURE = 'OTEL_CTX';
const VERSION = 2;
/** As much as is read of a variable of the environment. */
const maxPayloadBytes = 16 * 1024;
const maxMapsBytes = 1024 * 1024;
const mapsPartBytes = 16 * 1024;
/** What the kernel has in memory of its own: a file elsewhere may be called the same, and its reads may never end. */
const MEMORY_DEVICE = '00:01';
const NAMES = /^(?:\/memfd:OTEL_CTX(?: \(deleted\))?|\[anon_shmem:OTEL_CTX\]|\[anon:OTEL_CTX\])$/;
const LINE = /^([0-9a-f]+)-([0-9a-f]+) r\S{3} \S+ (\S+) (\d+) *(.*)$/;

/** Undefined: it publishes none, or one that is not known, or it may not be read. */
export async function readProcessContext(procRoot: string, pid: number): Promise<ProcessContext | undefined> {
  const folder = join(procRoot, String(pid));
  const mappings = mappingsIn(await readMaps(join(folder, 'maps')));
  const published = mappings.find(isPublished);
  if (published === undefined) return undefined;
  const memory = await open(join(folder, 'mem'), 'r');
  try {
    return await readPublished(memory, published, mappings);
  } finally {
    await memory.close();
  }
}

async function readPublished(
  memory: FileHandle,
  published: Mapping,
  mappings: readonly Mapping[],
): Promise<ProcessContext | undefined> {
  const header = await readAt(memory, published.start, HEADER_BYTES);
  const payload = header && payloadOf(header);
  if (header === undefined || payload === undefined) return undefined;
  const end = payload.start + BigInt(payload.length);
  const holder = mappings.find((one) => payload.start >= one.start && end <= one.end);
  if (holder === undefined || !(holder === published || isAnonymous(holder))) return undefined;
  const bytes = await readAt(memory, payload.start, payload.length);
  const again = await readAt(memory, published.start, HEADER_BYTES);
  // It was not changed meanwhile.
  return bytes !== undefined && again?.equals(header) === true ? readContextPayload(bytes) : undefined;
}

function payloadOf(header: Buffer): { start: bigint; length: number } | undefined {
  const length = header.readUInt32LE(12);
  const isKnown = header.toString('latin1', 0, 8) === SIGNATURE && header.readUInt32LE(8) === VERSION;
  // Without a time of publication it is being written.
  const isWhole = header.readBigUInt64LE(16) !== 0n;
  if (!isKnown || !isWhole || length === 0 || length > maxPayloadBytes) return undefined;
  return { start: header.readBigUInt64LE(24), length };
}

function isPublished(mapping: Mapping): boolean {
  const isMemory = mapping.device === MEMORY_DEVICE || isAnonymous(mapping);
  return isMemory && NAMES.test(mapping.name) && mapping.end - mapping.start >= HEADER_BYTES;
}

function isAnonymous({ device, inode }: Mapping): boolean {
  return device === '00:00' && inode === '0';
}

/** Those that may be read. */
function mappingsIn(maps: string): Mapping[] {
  return maps.split('\n').flatMap((line) => {
    const [, start = '', end = '', device = '', inode = '', name = ''] = LINE.exec(line) ?? [];
    return start === ''
      ? []
      : [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), device, inode, name }];
  });
}

async function readMaps(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(mapsPartBytes);
    let text = '';
    for (;;) {
      const { bytesRead } = await file.read(bytes, 0, bytes.length);
      text += bytes.toString('latin1', 0, bytesRead);
      if (bytesRead === 0 || text.length >= maxMapsBytes) return text;
    }
  } finally {
    await file.close();
  }
}

async function readAt(memory: FileHandle, address: bigint, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await memory.read(bytes, 0, length, address);
  return bytesRead === length ? bytes : undefined;
}
