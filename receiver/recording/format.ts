/** The bytes of a recording; docs/recordings.md describes them. Numbers are little-endian. */
import { crc32 } from 'node:zlib';

/** The version that is written, and the newest that is read. */
export const FORMAT_VERSION = 1;

const MAGIC = Buffer.from('WIRESPAN', 'latin1');
/** Magic, version, and the CRC-32 of both. */
export const FILE_HEADER_BYTES = MAGIC.length + 8;
/** Type, bytes stored, bytes when unpacked, and the CRC-32 of these and of what is stored. */
export const BLOCK_HEADER_BYTES = 16;
/** A block has no more, neither stored nor unpacked. */
export const MAX_BLOCK_BYTES = 64 << 20;

export const BLOCK = { meta: 1, entries: 2, end: 3 } as const;

/** What is in a block of entries. */
export const ENTRY = {
  /** Something was done: u8 which (`STEPS`), u64 CLOCK_MONOTONIC. What follows happened in it. */
  step: 1,
  /** u64 CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME. */
  clocks: 2,
  /** u8 1: the last of one reading of the ring, else 0; then the bytes. */
  records: 3,
  /** What changed of a kernel map since it was read last: see `rows.ts`. */
  rows: 4,
  /** u16 length, question; the answer in JSON. */
  answer: 5,
} as const;

/** What was done in a step. */
export const STEPS = ['start', 'drain', 'collect', 'sweep', 'tick', 'stop'] as const;
export type StepName = (typeof STEPS)[number];

/** u8 kind, u32 bytes of what follows. */
export const ENTRY_HEADER_BYTES = 5;

export interface Entry {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** The beginning of every recording. */
export function fileHeader(version = FORMAT_VERSION): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(version, MAGIC.length);
  header.writeUInt32LE(crc32(header.subarray(0, MAGIC.length + 4)), MAGIC.length + 4);
  return header;
}

/** The version of the recording that begins so; undefined: none does. `isDamaged`: it is not what was written. */
export function readFileHeader(header: Buffer): { version: number; isDamaged: boolean } | undefined {
  if (header.length < FILE_HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const sum = crc32(header.subarray(0, MAGIC.length + 4));
  return {
    version: header.readUInt32LE(MAGIC.length),
    isDamaged: sum !== header.readUInt32LE(MAGIC.length + 4),
  };
}

export interface BlockHeader {
  readonly type: number;
  readonly stored: number;
  readonly unpacked: number;
  readonly sum: number;
}

export function blockHeader(type: number, payload: Uint8Array, unpacked: number): Buffer {
  const header = Buffer.alloc(BLOCK_HEADER_BYTES);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(payload.length, 4);
  header.writeUInt32LE(unpacked, 8);
  header.writeUInt32LE(crc32(payload, crc32(header.subarray(0, 12))), 12);
  return header;
}

export function readBlockHeader(header: Buffer): BlockHeader {
  return {
    type: header.readUInt32LE(0),
    stored: header.readUInt32LE(4),
    unpacked: header.readUInt32LE(8),
    sum: header.readUInt32LE(12),
  };
}

/** Whether header and payload are what was written. */
export function isWhole(header: Buffer, payload: Uint8Array): boolean {
  return crc32(payload, crc32(header.subarray(0, 12))) === header.readUInt32LE(12);
}

/** The entries of an unpacked block; undefined in place of one that reaches beyond it. */
export function* entriesOf(block: Buffer): Generator<Entry | undefined> {
  for (let at = 0; at < block.length;) {
    const start = at + ENTRY_HEADER_BYTES;
    const end = start <= block.length ? start + block.readUInt32LE(at + 1) : Infinity;
    if (end > block.length) {
      yield undefined;
      return;
    }
    yield { kind: block[at] ?? 0, body: block.subarray(start, end) };
    at = end;
  }
}
