import { constants as zlib, zstdCompressSync } from 'node:zlib';
import { BLOCK, blockHeader, BLOCK_HEADER_BYTES, ENTRY_HEADER_BYTES, fileHeader } from './format.ts';
import type { RecordingEnd, RecordingMeta } from './meta.ts';
import { PrivateFile } from './private-file.ts';

/** A block is written when it has so much, unpacked. */
const BLOCK_BYTES = 1 << 20;
/** Room that is kept for the last block. */
const END_BYTES = 256;
const LEVEL = 3;

export interface WriterOptions {
  /** A regular file of this name is replaced. */
  readonly isForced: boolean;
  readonly maxBytes: number;
}

/** A file that nobody but its owner may read. What is written is there when `flush` comes back. */
export class RecordingWriter {
  /** Bytes in the file. */
  written = 0;
  /** The next block would be too much: nothing more is taken. */
  isFull = false;
  readonly #file: PrivateFile;
  readonly #maxBytes: number;
  #block = Buffer.alloc(2 * BLOCK_BYTES);
  #length = 0;

  /** @throws RecordingError when it cannot be made, or is there already */
  constructor(path: string, { isForced, maxBytes }: WriterOptions) {
    this.#maxBytes = maxBytes;
    this.#file = new PrivateFile(path, isForced);
  }

  /** @throws RecordingError, as all that writes here */
  begin(meta: RecordingMeta): void {
    this.#write(fileHeader());
    this.#writeBlock(BLOCK.meta, Buffer.from(JSON.stringify(meta)), 0);
  }

  add(kind: number, ...parts: readonly Uint8Array[]): void {
    if (this.isFull) return;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#makeRoom(ENTRY_HEADER_BYTES + length);
    this.#block[this.#length] = kind;
    this.#block.writeUInt32LE(length, this.#length + 1);
    this.#length += ENTRY_HEADER_BYTES;
    for (const part of parts) {
      this.#block.set(part, this.#length);
      this.#length += part.length;
    }
    if (this.#length >= BLOCK_BYTES) this.flush();
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#block.length) return;
    const larger = Buffer.alloc(this.#length + bytes);
    this.#block.copy(larger, 0, 0, this.#length);
    this.#block = larger;
  }

  /** What was added so far is a block of its own. */
  flush(): void {
    if (this.#length === 0) return;
    const block = this.#block.subarray(0, this.#length);
    this.#length = 0;
    this.#writeBlock(BLOCK.entries, block, END_BYTES);
  }

  /** Nothing comes after that. */
  end(end: RecordingEnd): void {
    this.flush();
    this.isFull = false;
    this.#writeBlock(BLOCK.end, Buffer.from(JSON.stringify(end)), 0);
    this.close();
  }

  close(): void {
    this.#file.close();
  }

  #writeBlock(type: number, unpacked: Uint8Array, reserve: number): void {
    const payload = zstdCompressSync(unpacked, { params: { [zlib.ZSTD_c_compressionLevel]: LEVEL } });
    if (this.written + BLOCK_HEADER_BYTES + payload.length + reserve > this.#maxBytes) {
      this.isFull = true;
      return;
    }
    this.#write(Buffer.concat([blockHeader(type, payload, unpacked.length), payload]));
  }

  #write(bytes: Uint8Array): void {
    this.#file.write(bytes);
    this.written += bytes.length;
  }
}
