import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingError } from './error.ts';

const OWNER_ALONE = 0o600;

/** A new file that nobody but its owner may read. */
export class PrivateFile {
  readonly path: string;
  readonly #file: number;

  /**
   * What is there is never written to, and never through a symbolic link. `isForced`: a regular file of that name is
   * replaced.
   * @throws RecordingError when it cannot be made, or is there already
   */
  constructor(path: string, isForced: boolean) {
    this.path = path;
    this.#file = createFile(path, isForced);
  }

  /**
   * All of it is in the file when this comes back.
   * @throws RecordingError when the disk takes no more
   */
  write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
    } catch (error) {
      throw new RecordingError(`${this.path} cannot be written: ${codeOf(error)}`, 1);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Closes it, and takes it away: it is not what it should have become. */
  discard(): void {
    this.close();
    rmSync(this.path, { force: true });
  }
}

function createFile(path: string, isForced: boolean): number {
  try {
    if (isForced && lstatSync(path, { throwIfNoEntry: false })?.isFile() === true) unlinkSync(path);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ALONE);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EEXIST') throw new RecordingError(`${path} cannot be made: ${code}`, 2);
    const advice = isForced ? 'it is no regular file, so it is not replaced' : '--force replaces it';
    throw new RecordingError(`${path} is there already: ${advice}`, 2);
  }
}

/** A folder of its owner's alone for a recording that is not kept. */
export class ScratchFolder {
  readonly path: string;

  /** @throws RecordingError when it cannot be made */
  constructor() {
    const beginning = join(tmpdir(), 'wirespan-report-');
    try {
      this.path = mkdtempSync(beginning);
    } catch (error) {
      throw new RecordingError(`no folder ${beginning}… can be made for the recording: ${codeOf(error)}`, 1);
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
