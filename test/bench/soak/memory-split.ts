/** What the resident memory of a process is made of, from /proc/PID/smaps; MB (10^6 bytes). */
import { readFileSync } from 'node:fs';

export interface MemorySplit {
  /** Pages of Node's program file, which the kernel can take back. */
  readonly program: number;
  /** Of other files: libraries, the addon. */
  readonly files: number;
  /** Kernel maps and the ring buffer that are mapped. */
  readonly maps: number;
  /** The C heap that grows by brk, `[heap]`. */
  readonly brk: number;
  /** All other anonymous memory: V8's heap and code, malloc's mmaps, stacks. */
  readonly anonymous: number;
}

export function readMemorySplit(pid: number): MemorySplit {
  return splitMemory(readFileSync(`/proc/${String(pid)}/smaps`, 'utf8'));
}

/** Of the text of a `smaps` file. */
export function splitMemory(smaps: string): MemorySplit {
  const split = { program: 0, files: 0, maps: 0, brk: 0, anonymous: 0 };
  let name = '';
  let rss = 0;
  for (const line of smaps.split('\n')) {
    const region = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$/.exec(line);
    if (region !== null) name = region[1] ?? '';
    else if (line.startsWith('Rss:')) rss = bytesOf(line);
    else if (line.startsWith('Anonymous:')) {
      const anonymous = bytesOf(line);
      split[name === '[heap]' ? 'brk' : 'anonymous'] += anonymous;
      split[kindOf(name)] += rss - anonymous;
    }
  }
  return split;
}

function kindOf(name: string): 'program' | 'files' | 'maps' {
  if (name.startsWith('anon_inode:')) return 'maps';
  return name.endsWith('/node') ? 'program' : 'files';
}

/** Of a line `Name:  123 kB`. */
function bytesOf(line: string): number {
  return (Number(/(\d+) kB/.exec(line)?.[1] ?? NaN) * 1024) / 1e6;
}
