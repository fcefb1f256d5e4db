import { join } from 'node:path';
import { readContextPayload, readThreadSchema } from './context-payload.ts';
import { walkMappings, type Mapping } from './mappings.ts';
import { processFolder } from './process-folder.ts';
import { withMemory, type ProcessMemory } from './process-memory.ts';
import type { ThreadSchema } from './thread-schema.ts';

/**
 * What a process publishes of itself in its memory, by OTEP 4719 of OpenTelemetry: a mapping named `OTEL_CTX` with a
 * header, which points at a payload. Nothing else of its memory is read.
 */
export type ProcessContext = ReadonlyMap<string, string>;

/** What was read, and where its header was and how it looked: each publication has another time in it. */
export interface Publication {
  readonly address: bigint;
  readonly header: Buffer;
  readonly context: ProcessContext;
  /** How its threads publish theirs. */
  readonly threadSchema?: ThreadSchema | undefined;
}

/**
 * `none`: it publishes nothing that is known; `changing`: it is being written; `same`: it is as it was; `denied`: the kernel
 * does not let us read it; `long`: it is beyond a bound.
 */
export type ContextLook = Publication | 'none' | 'changing' | 'same' | 'denied' | 'long';

const HEADER_BYTES = 32;
const SIGNATURE = 'OTEL_CTX';
const VERSION = 2;
/** As much as is read of a variable of the environment. */
const maxPayloadBytes = 16 * 1024;
/** One is right; a copy that a child has of its parent's, or what a library left behind, may lie before it. */
const maxPublished = 4;
/** What the kernel has in memory of its own: a file elsewhere may be called the same, and its reads may never end. */
const MEMORY_DEVICE = '00:01';
const NAMES = /^(?:\/memfd:OTEL_CTX(?: \(deleted\))?|\[anon_shmem:OTEL_CTX\]|\[anon:OTEL_CTX\])$/;

/** `known`: what was read before; it is not read again while its header is the same. @throws when it is gone */
export async function readProcessContext(
  procRoot: string,
  pid: number,
  known?: Publication,
): Promise<ContextLook> {
  const folder = processFolder(procRoot, pid);
  if (known !== undefined && (await isSame(folder, known))) return 'same';
  const published: Mapping[] = [];
  const isWhole = await walkMappings(
    join(folder, 'maps'),
    (mapping) => isPublished(mapping) && published.push(mapping) === maxPublished,
    SIGNATURE,
  );
  let look: ContextLook = isWhole ? 'none' : 'long';
  for (const mapping of published) {
    const found = await withMemory(folder, (memory) => readPublished(memory, mapping, folder));
    if (typeof found !== 'string') return found;
    if (found !== 'none') look = found;
  }
  return look;
}

async function isSame(folder: string, { address, header }: Publication): Promise<boolean> {
  const now = await withMemory(folder, (memory) => memory.read(address, HEADER_BYTES));
  return now !== undefined && now !== 'denied' && now.equals(header);
}

async function readPublished(
  memory: ProcessMemory,
  published: Mapping,
  folder: string,
): Promise<ContextLook> {
  const header = await memory.read(published.start, HEADER_BYTES);
  if (header === undefined) return 'none';
  const payload = payloadOf(header);
  if (typeof payload === 'string') return payload;
  if (!(await isOwnMemory(payload, published, folder))) return 'none';
  const bytes = await memory.read(payload.start, payload.length);
  const again = await memory.read(published.start, HEADER_BYTES);
  if (again?.equals(header) !== true) return 'changing';
  const context = bytes && readContextPayload(bytes);
  if (bytes === undefined || context === undefined) return 'none';
  return { address: published.start, header, context, threadSchema: readThreadSchema(bytes) };
}

interface Payload {
  readonly start: bigint;
  readonly length: number;
}

function payloadOf(header: Buffer): Payload | 'none' | 'changing' | 'long' {
  const length = header.readUInt32LE(12);
  const isKnown = header.toString('latin1', 0, 8) === SIGNATURE && header.readUInt32LE(8) === VERSION;
  if (!isKnown) return 'none';
  // Without a time of publication it is being written.
  if (header.readBigUInt64LE(16) === 0n) return 'changing';
  if (length > maxPayloadBytes) return 'long';
  return length === 0 ? 'none' : { start: header.readBigUInt64LE(24), length };
}

/** A page of a file system in user space could keep its reader for good: only memory of no file is read. */
async function isOwnMemory({ start, length }: Payload, published: Mapping, folder: string): Promise<boolean> {
  const end = start + BigInt(length);
  const holds = (one: Mapping): boolean => start >= one.start && end <= one.end;
  if (holds(published)) return true;
  let isOwn = false;
  await walkMappings(join(folder, 'maps'), (mapping) => {
    isOwn = holds(mapping) && isAnonymous(mapping);
    return holds(mapping);
  });
  return isOwn;
}

function isPublished(mapping: Mapping): boolean {
  const isMemory = mapping.device === MEMORY_DEVICE || isAnonymous(mapping);
  return isMemory && NAMES.test(mapping.name) && mapping.end - mapping.start >= HEADER_BYTES;
}

function isAnonymous({ device, inode }: Mapping): boolean {
  return device === '00:00' && inode === '0';
}
