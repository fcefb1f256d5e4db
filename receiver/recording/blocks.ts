import { constants as zlib, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { blockHeader, ENTRY_HEADER_BYTES, isWhole, readBlockHeader } from './format.ts';

const LEVEL = 3;

/** A whole block, as it lies in a recording. */
export function encodeBlock(type: number, unpacked: Uint8Array): Buffer {
  const payload = zstdCompressSync(unpacked, { params: { [zlib.ZSTD_c_compressionLevel]: LEVEL } });
  return Buffer.concat([blockHeader(type, payload, unpacked.length), payload]);
}

/** What is in a block, unpacked; undefined: it is not what was written. */
export function decodeBlock(header: Buffer, payload: Buffer): Buffer | undefined {
  const { unpacked } = readBlockHeader(header);
  if (!isWhole(header, payload)) return undefined;
  try {
    const bytes = zstdDecompressSync(payload, { maxOutputLength: Math.max(1, unpacked) });
    return bytes.length === unpacked ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Entries, back to back, until they are taken for a block. */
export class EntryBuffer {
  /** Bytes of the entries. */
  length = 0;
  #bytes: Buffer;

  /** `bytes`: so many have room before it grows. */
  constructor(bytes: number) {
    this.#bytes = Buffer.alloc(bytes);
  }

  add(kind: number, parts: readonly Uint8Array[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#makeRoom(ENTRY_HEADER_BYTES + length);
    this.#bytes[this.length] = kind;
    this.#bytes.writeUInt32LE(length, this.length + 1);
    this.length += ENTRY_HEADER_BYTES;
    for (const part of parts) {
      this.#bytes.set(part, this.length);
      this.length += part.length;
    }
  }

  #makeRoom(bytes: number): void {
    if (this.length + bytes <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(this.length + bytes, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
  }

  /** The entries until now, valid until the next is added. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.length);
    this.length = 0;
    return taken;
  }
}
