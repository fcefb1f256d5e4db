/** Looks at the agent again and again while the loads run. */
import { readFileSync } from 'node:fs';
import { readMapMemoryMb } from '../../support/kernel-stats.ts';
import { countDescriptors, readRssMb } from '../proc-stats.ts';
import type { Tally } from './tally.ts';

/** V8's figures, bytes. */
export interface Heap {
  readonly used: number;
  readonly physical: number;
  readonly external: number;
}

export interface Look {
  readonly seconds: number;
  /** Established so far, by the namespace's own counter. */
  readonly connections: number;
  readonly rssMb: number;
  /** V8's heap in use, at its lowest since the last look: soon after a collection. */
  readonly heapMb: number;
  /** Memory of the agent's kernel maps. */
  readonly kernelMb: number;
  readonly descriptors: number;
  /** Entries by map, as the agent exported them last. */
  readonly maps: Readonly<Record<string, number>>;
}

export interface Watched {
  readonly pid: number;
  readonly heapFile: string;
  readonly connections: () => number;
  readonly tally: () => Promise<Tally>;
}

const HEAP_EVERY_MS = 500;

/** Calls `onLook` every so often until it is stopped. */
export class Watch {
  readonly looks: Look[] = [];
  readonly #watched: Watched;
  readonly #began = performance.now();
  #lowest = Infinity;
  readonly #heapTimer: NodeJS.Timeout;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#heapTimer = setInterval(() => this.#readHeap(), HEAP_EVERY_MS);
  }

  async look(): Promise<Look> {
    this.#readHeap();
    const { pid, connections, tally } = this.#watched;
    const look = {
      seconds: (performance.now() - this.#began) / 1000,
      connections: connections(),
      rssMb: readRssMb(pid),
      heapMb: this.#lowest / 1e6,
      kernelMb: readMapMemoryMb(pid),
      descriptors: countDescriptors(pid),
      maps: (await tally()).maps,
    };
    this.#lowest = Infinity;
    this.looks.push(look);
    return look;
  }

  /** V8's figures now. */
  heap(): Heap {
    return JSON.parse(readFileSync(this.#watched.heapFile, 'utf8')) as Heap;
  }

  stop(): void {
    clearInterval(this.#heapTimer);
  }

  #readHeap(): void {
    this.#lowest = Math.min(this.#lowest, this.heap().used);
  }
}
