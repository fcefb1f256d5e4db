import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const HEADER_AT = 0x1000;
const PAYLOAD_AT = 0x3000;
const MAPPINGS =
  '1000-2000 rw-p 00000000 00:01 7 /memfd:OTEL_CTX (deleted)\n' + '3000-4000 rw-p 00000000 00:00 0 \n';

/**
 * A folder of a process, as below `/proc`, that publishes. Its `maps` is a pipe: a reader, which asks it once where the header is
 * and once whose memory the payload is, waits there until it is told.
 */
export class PausedPublication {
  readonly #folder: string;

  /** `folder` is made. */
  constructor(folder: string, payload: Buffer) {
    this.#folder = folder;
    mkdirSync(folder);
    const memory = Buffer.alloc(PAYLOAD_AT + payload.length);
    memory.write('OTEL_CTX', HEADER_AT);
    memory.writeUInt32LE(2, HEADER_AT + 8);
    memory.writeUInt32LE(payload.length, HEADER_AT + 12);
    memory.writeBigUInt64LE(1n, HEADER_AT + 16);
    memory.writeBigUInt64LE(BigInt(PAYLOAD_AT), HEADER_AT + 24);
    payload.copy(memory, PAYLOAD_AT);
    writeFileSync(join(folder, 'mem'), memory);
    this.#makePipe();
  }

  /** Lets the reader find the header and read it; resolves when it has done so, with what lets it go on. */
  async whenHeaderIsRead(): Promise<() => Promise<void>> {
    const first = await this.#openPipe();
    // The next one to ask gets another pipe, so that this one's end is told from its beginning.
    this.#makePipe();
    await tell(first);
    const second = await this.#openPipe();
    return () => tell(second);
  }

  /** The time of publication, by which one is told from the next. */
  async changeTime(): Promise<void> {
    const memory = await open(join(this.#folder, 'mem'), 'r+');
    await memory.write(Buffer.from([2]), 0, 1, HEADER_AT + 16);
    await memory.close();
  }

  #makePipe(): void {
    const made = join(this.#folder, 'next');
    execFileSync('mkfifo', [made]);
    renameSync(made, join(this.#folder, 'maps'));
  }

  /** Resolves when a reader has it open. */
  #openPipe(): Promise<FileHandle> {
    return open(join(this.#folder, 'maps'), 'w');
  }
}

async function tell(pipe: FileHandle): Promise<void> {
  await pipe.write(MAPPINGS);
  await pipe.close();
}
