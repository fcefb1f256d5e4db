import { open } from 'node:fs/promises';

/** A part of a process's memory that may be read. */
export interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  /** In the file. */
  readonly offset: bigint;
  readonly device: string;
  readonly inode: string;
  readonly name: string;
}

/** Asked for each; true: no further one is wanted. */
export type MappingVisit = (mapping: Mapping) => boolean;

/** The 65,530 mappings that a process may have by default take less. */
const MAX_BYTES = 8 * 1024 * 1024;
/** The kernel gives a page at a time, which ends with a line. */
const partBytes = 16 * 1024;
const LINE = /^([0-9a-f]+)-([0-9a-f]+) r\S{3} (\S+) (\S+) (\d+) *(.*)$/;

/**
 * Walks `/proc/PID/maps` up to a bound; `word`: only parts of it that have this are looked at, which saves nearly all of
 * the work. False when the bound ended it.
 */
export async function walkMappings(
  path: string,
  visit: MappingVisit,
  word = '',
  maxBytes = MAX_BYTES,
): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const part = Buffer.alloc(partBytes);
    for (let seen = 0, kept = 0; seen < maxBytes;) {
      const { bytesRead } = await file.read(part, kept, part.length - kept);
      if (bytesRead === 0) return true;
      seen += bytesRead;
      const length = kept + bytesRead;
      // Without its end a line waits for the next read; none is longer than a path.
      const whole = part.subarray(0, length).lastIndexOf(10) + 1;
      const lines = part.subarray(0, whole);
      if (lines.includes(word) && isFound(lines, visit)) return true;
      part.copyWithin(0, whole, length);
      kept = length - whole === part.length ? 0 : length - whole;
    }
    return false;
  } finally {
    await file.close();
  }
}

function isFound(lines: Buffer, visit: MappingVisit): boolean {
  return lines
    .toString('latin1')
    .split('\n')
    .some((line) => {
      const [, start = '', end = '', offset = '', device = '', inode = '', name = ''] = LINE.exec(line) ?? [];
      const hex = (digits: string): bigint => BigInt(`0x${digits}`);
      return (
        start !== '' && visit({ start: hex(start), end: hex(end), offset: hex(offset), device, inode, name })
      );
    });
}
