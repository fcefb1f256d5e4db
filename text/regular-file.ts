import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';

/** Largest file that is read: settings and certificates are a few kilobytes. */
const MAX_FILE_BYTES = 2 ** 20;

/** Why a file that the user named cannot be read; the message completes "the file …". */
export class FileError extends Error {}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is no directory',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  ELOOP: 'cannot be found: its symbolic links lead to each other',
  ENAMETOOLONG: 'cannot be found: the name is too long',
  ERR_INVALID_ARG_VALUE: 'cannot be found: the name holds a NUL byte',
  EMFILE: 'cannot be opened: this process may have no more files open (raise LimitNOFILE= or ulimit -n)',
  ENFILE: 'cannot be opened: this machine may have no more files open (raise fs.file-max)',
};

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'is a directory';
  if (stats.isFIFO()) return 'is a named pipe';
  if (stats.isSocket()) return 'is a socket';
  return 'is a device';
}

function check(stats: Stats, maxBytes: number): void {
  if (!stats.isFile()) throw new FileError(`${kindOf(stats)}, and must be a regular file`);
  if (stats.size > maxBytes)
    throw new FileError(`has ${String(stats.size)} bytes, and may have at most ${String(maxBytes)}`);
}

/**
 * The bytes of a regular file of at most `maxBytes`. Waits for nobody: a pipe, a device, a socket
 * and a directory are refused before they are opened.
 * @throws FileError
 */
export function readRegularFile(path: string, maxBytes: number = MAX_FILE_BYTES): Buffer {
  try {
    check(statSync(path), maxBytes);
    // It may have been exchanged since: with O_NONBLOCK a pipe is opened without a writer.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      check(fstatSync(file), maxBytes);
      return readUpTo(file, maxBytes);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof FileError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FileError(REASONS[code] ?? `cannot be read (${code})`, { cause: error });
  }
}

/** A file of /proc says that it has no bytes, and any file may grow: the bound holds for what is read. */
function readUpTo(file: number, maxBytes: number): Buffer {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (;;) {
    const count = readSync(file, bytes, length, bytes.length - length, null);
    length += count;
    if (length > maxBytes) throw new FileError(`has more than the ${String(maxBytes)} bytes it may have`);
    if (count === 0) return Buffer.from(bytes.subarray(0, length));
  }
}

/**
 * The text of a regular file, as `readRegularFile`; a byte order mark is left out.
 * @throws FileError also for what is no UTF-8 text
 */
export function readTextFile(path: string, maxBytes: number = MAX_FILE_BYTES): string {
  const bytes = readRegularFile(path, maxBytes);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below.
  }
  throw new FileError('is no text in UTF-8');
}
