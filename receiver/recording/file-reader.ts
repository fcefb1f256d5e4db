import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { outsideText } from '../../text/index.ts';
import { decodeBlock } from './blocks.ts';
import { RecordingError } from './error.ts';
import {
  BLOCK,
  BLOCK_HEADER_BYTES,
  entriesOf,
  FILE_HEADER_BYTES,
  FORMAT_VERSION,
  MAX_BLOCK_BYTES,
  readBlockHeader,
  readFileHeader,
  type Entry,
} from './format.ts';
import type { RecordingEnd, RecordingMeta } from './meta.ts';

interface Block {
  readonly type: number;
  readonly bytes: Buffer;
}

/** A recording, from its beginning to its end or to the first damage. */
export class RecordingReader {
  readonly meta: RecordingMeta;
  /** What the recording says of its end; undefined: it was not reached. */
  end: RecordingEnd | undefined;
  /** Why what is left of the file is not used, in one sentence; undefined: all of it is. */
  problem: string | undefined;
  readonly #name: string;
  readonly #file: number;
  readonly #size: number;
  #at = FILE_HEADER_BYTES;

  /** @throws RecordingError when nothing of it can be used */
  constructor(path: string) {
    this.#name = path;
    [this.#file, this.#size] = openFile(path);
    try {
      this.#checkHeader();
      this.meta = this.#readMeta();
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Everything that was recorded, in order. Says afterwards, in `problem`, whether that was all. */
  *entries(): Generator<Entry, undefined> {
    for (;;) {
      const start = this.#at;
      const block = this.#readBlock();
      if (block === undefined) return;
      if (block.type === BLOCK.end) {
        this.end = parseJson<RecordingEnd>(block.bytes);
        if (this.#at !== this.#size) this.#fail(`goes on after its end, at byte ${String(this.#at)}`);
        return;
      }
      for (const entry of block.type === BLOCK.entries ? entriesOf(block.bytes) : [undefined]) {
        if (entry === undefined) {
          this.#fail(`is damaged at byte ${String(start)}`);
          return;
        }
        yield entry;
      }
    }
  }

  /** What is read of it cannot be what was recorded. */
  refuse(): void {
    this.#fail(`is damaged before byte ${String(this.#at)}`);
  }

  #checkHeader(): void {
    const found = readFileHeader(this.#read(0, FILE_HEADER_BYTES));
    if (found === undefined) throw new RecordingError(`${this.#name} is no recording of wirespan`, 2);
    const { version, isDamaged } = found;
    if (isDamaged) throw new RecordingError(`${this.#name} is damaged at byte 0: nothing of it is used`, 1);
    if (version > FORMAT_VERSION || version < 1)
      throw new RecordingError(
        `${this.#name} is a recording of version ${String(version)}, and this wirespan reads up to version ${String(FORMAT_VERSION)}: use a newer one`,
        2,
      );
  }

  #readMeta(): RecordingMeta {
    const block = this.#readBlock();
    const meta = block?.type === BLOCK.meta ? parseJson<RecordingMeta>(block.bytes) : undefined;
    if (meta !== undefined) return meta;
    throw new RecordingError(
      `${this.#name} is damaged or cut off in its beginning: nothing of it is used`,
      1,
    );
  }

  #fail(what: string): void {
    this.problem ??= `${this.#name} ${what}: what is before that is used`;
  }

  /** Undefined: there is none, and `problem` says why. */
  #readBlock(): Block | undefined {
    const start = this.#at;
    if (start === this.#size) this.#fail(`has no end, and was cut off at byte ${String(start)}`);
    if (start >= this.#size) return undefined;
    const header = this.#read(start, BLOCK_HEADER_BYTES);
    const isCut = header.length < BLOCK_HEADER_BYTES;
    const { type, stored, unpacked } = isCut ? NO_BLOCK : readBlockHeader(header);
    const isTooLong = stored > MAX_BLOCK_BYTES || unpacked > MAX_BLOCK_BYTES;
    const payload = isTooLong ? Buffer.alloc(0) : this.#read(start + BLOCK_HEADER_BYTES, stored);
    const bytes = isCut ? undefined : decodeBlock(header, payload);
    if (bytes === undefined) {
      // A length that was changed may point behind the end: which of the two it was cannot be told.
      const isShort = isCut || start + BLOCK_HEADER_BYTES + stored > this.#size;
      this.#fail(`is ${isShort ? 'cut off or damaged' : 'damaged'} at byte ${String(start)}`);
      return undefined;
    }
    this.#at = start + BLOCK_HEADER_BYTES + stored;
    return { type, bytes };
  }

  /** Fewer bytes where the file ends. */
  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.#size - at)));
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(this.#file, bytes, done, bytes.length - done, at + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }
}

const NO_BLOCK = { type: 0, stored: 0, unpacked: 0 };

function parseJson<T>(bytes: Buffer): T | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as T;
  } catch {
    return undefined;
  }
}

function openFile(path: string): [file: number, size: number] {
  const fail = (why: string): never => {
    throw new RecordingError(`${outsideText(path)} ${why}`, 2);
  };
  let file: number;
  try {
    // A pipe would wait for its writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    return fail(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  const stats = fstatSync(file);
  if (stats.isFile()) return [file, stats.size];
  closeSync(file);
  return fail('is no file with a recording');
}
