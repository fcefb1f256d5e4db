import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** The memory of another process (`/proc/PID/mem`), in pieces; addresses are as the process has them. */
export class ProcessMemory {
  readonly #file: FileHandle;
  #leftBytes: number;

  /** `maxBytes`: so much is read of it in all. */
  constructor(file: FileHandle, maxBytes: number) {
    this.#file = file;
    this.#leftBytes = maxBytes;
  }

  /** Undefined where there is no such memory, or not as much of it, or more was read than may be. */
  async read(address: bigint, length: number): Promise<Buffer | undefined> {
    this.#leftBytes -= length;
    if (this.#leftBytes < 0) return undefined;
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#file
        .read(bytes, done, length - done, address + BigInt(done))
        .catch(() => ({ bytesRead: 0 }));
      if (bytesRead === 0) return undefined;
      done += bytesRead;
    }
    return bytes;
  }
}

/** The tables of some hundred libraries; a process may map as many as it likes, and say what it likes of their sizes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Calls `use` while the memory is open; `denied`: the kernel does not let us. @throws when the process is gone */
export async function withMemory<T>(
  folder: string,
  use: (memory: ProcessMemory) => Promise<T>,
  maxBytes = MAX_BYTES,
): Promise<T | 'denied'> {
  const file = await open(join(folder, 'mem'), 'r').catch((error: unknown) => {
    if (isDenial(error)) return undefined;
    throw error;
  });
  if (file === undefined) return 'denied';
  try {
    return await use(new ProcessMemory(file, maxBytes));
  } finally {
    await file.close();
  }
}

function isDenial(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM'].includes(String(error.code));
}
