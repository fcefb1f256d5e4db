import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';

/** Says what became of a write: how many bytes were taken, or why none were. */
export type Taken = (error: NodeJS.ErrnoException | undefined, takenBytes: number) => void;

/** Where the bytes of one standard stream go. A write never makes the caller wait. */
export interface Sink {
  write(bytes: Uint8Array, taken: Taken): void;
  /** Whether a write may hold a thread of Node's for as long as nobody reads; it would hold up `process.exit`. */
  readonly holdsThread: boolean;
}

/** The sink of standard output (1) or standard error (2), by what it is. */
export function createSink(fd: 1 | 2): Sink {
  const stat = fstatSync(fd);
  if (stat.isSocket()) return streamSink(fd);
  if (stat.isFile() || stat.isBlockDevice()) return threadSink(fd);
  const own = reopen(fd);
  if (own !== undefined) return ownSink(own);
  return stat.isFIFO() ? streamSink(fd) : threadSink(fd);
}

/**
 * A pipe or a terminal once more, not blocking. A description of our own: a flag on the one that we were given would
 * change it for every other process that has it, such as the shell.
 */
function reopen(fd: number): number | undefined {
  try {
    return openSync(
      `/proc/self/fd/${String(fd)}`,
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch {
    // Another user's, say, or no /proc.
    return undefined;
  }
}

/** Written at once, so that the last lines are out even when the process crashes. */
function ownSink(fd: number): Sink {
  return {
    holdsThread: false,
    write(bytes, taken) {
      let count = 0;
      try {
        count = writeSync(fd, bytes);
      } catch (error) {
        taken(error as NodeJS.ErrnoException, 0);
        return;
      }
      taken(undefined, count);
    },
  };
}

/** A disk can be slow, and what cannot be opened again can be full. */
function threadSink(fd: number): Sink {
  return {
    holdsThread: true,
    write: (bytes, taken) => write(fd, bytes, (error, count) => taken(error ?? undefined, count)),
  };
}

/** Sockets cannot be opened again; Node's own stream of the descriptor does not block for them. */
function streamSink(fd: 1 | 2): Sink {
  const stream = fd === 1 ? process.stdout : process.stderr;
  // Each write is told its own error.
  stream.on('error', () => undefined);
  return {
    holdsThread: false,
    write: (bytes, taken) =>
      void stream.write(bytes, (error) => taken(error ?? undefined, error ? 0 : bytes.length)),
  };
}

/** Whether both standard streams lead to the same file, pipe or terminal. */
export function isSameStream(): boolean {
  const [out, err] = [fstatSync(1), fstatSync(2)];
  return out.dev === err.dev && out.ino === err.ino;
}
