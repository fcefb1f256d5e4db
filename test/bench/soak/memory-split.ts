/** What the resident memory of a process is made of, from /proc/PID/smaps; MB (10^6 bytes). */
import { readFileSync } from 'node:fs';

export interface MemorySplit {
  /** Pages of Node's program file, which the kernel can take back. */
  readonly program: number;
  /** Pages of other files: libraries, the addon. */
  readonly files: number;
  /** Kernel maps and the ring buffer that are mapped. */
  readonly maps: number;
  /** The C heap that grows by brk, `[heap]`. */
  readonly brk: number;
  /** Anonymous mappings of the size of V8's pages: those in use, and those that it keeps for later. */
  readonly v8Pages: number;
  /** All other anonymous memory: V8's large objects and code, malloc's mmaps, stacks. */
  readonly anonymous: number;
}

const V8_PAGE = 256 * 1024;

export function readMemorySplit(pid: number): MemorySplit {
  return splitMemory(readFileSync(`/proc/${String(pid)}/smaps`, 'utf8'));
}

/** Splits the text of a `smaps` file. */
export function splitMemory(smaps: string): MemorySplit {
  const split = { program: 0, files: 0, maps: 0, brk: 0, v8Pages: 0, anonymous: 0 };
  let region: Region = { name: '', size: 0 };
  let rss = 0;
  for (const line of smaps.split('\n')) {
    const begun = readRegion(line);
    if (begun !== undefined) region = begun;
    else if (line.startsWith('Rss:')) rss = bytesOf(line);
    else if (line.startsWith('Anonymous:')) {
      const anonymous = bytesOf(line);
      split[anonymousKindOf(region)] += anonymous;
      split[kindOf(region.name)] += rss - anonymous;
    }
  }
  return split;
}

interface Region {
  readonly name: string;
  readonly size: number;
}

/** The region that a first line begins; undefined for any other line. */
function readRegion(line: string): Region | undefined {
  const [, begin = '', end = '', name = ''] =
    /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)$/.exec(line) ?? [];
  return end === '' ? undefined : { name, size: Number.parseInt(end, 16) - Number.parseInt(begin, 16) };
}

function anonymousKindOf({ name, size }: Region): 'brk' | 'v8Pages' | 'anonymous' {
  if (name === '[heap]') return 'brk';
  return name === '' && size === V8_PAGE ? 'v8Pages' : 'anonymous';
}

function kindOf(name: string): 'program' | 'files' | 'maps' {
  if (name.startsWith('anon_inode:')) return 'maps';
  return name.endsWith('/node') ? 'program' : 'files';
}

/** The megabytes of a line `Name:  123 kB`. */
function bytesOf(line: string): number {
  return (Number(/(\d+) kB/.exec(line)?.[1] ?? NaN) * 1024) / 1e6;
}
