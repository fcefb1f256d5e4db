import { encodeBlock, EntryBuffer } from './blocks.ts';
import { BLOCK, fileHeader } from './format.ts';
import type { RecordingEnd, RecordingMeta } from './meta.ts';
import { PrivateFile } from './private-file.ts';

/** A block is written when it has so much, unpacked. */
const BLOCK_BYTES = 1 << 20;
/** Room that is kept for the last block. */
const END_BYTES = 256;

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
  readonly #entries = new EntryBuffer(2 * BLOCK_BYTES);

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
    this.#entries.add(kind, parts);
    if (this.#entries.length >= BLOCK_BYTES) this.flush();
  }

  /** What was added so far is a block of its own. */
  flush(): void {
    if (this.#entries.length > 0) this.#writeBlock(BLOCK.entries, this.#entries.take(), END_BYTES);
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
    const block = encodeBlock(type, unpacked);
    if (this.written + block.length + reserve > this.#maxBytes) this.isFull = true;
    else this.#write(block);
  }

  #write(bytes: Uint8Array): void {
    this.#file.write(bytes);
    this.written += bytes.length;
  }
}
