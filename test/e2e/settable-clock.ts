import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';
import { workloadsFolder } from '../support/workloads.ts';

/** From and to, Unix nanoseconds of the set clock. */
export type Era = readonly [fromNs: bigint, toNs: bigint];

/** A real-time clock of one process, which the test sets while it runs; this machine's own is left alone. */
export class SettableClock {
  /** What the process must be started with. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #file: string;
  readonly #eras: Era[] = [];
  #offsetNs = 0n;
  #sinceNs: bigint;

  constructor(cleanup: Cleanup) {
    this.#file = join(cleanup.makeFolder(), 'offset');
    this.environment = {
      LD_PRELOAD: join(workloadsFolder, 'settable-clock.so'),
      SETTABLE_CLOCK: this.#file,
    };
    this.#sinceNs = this.now();
    writeFileSync(this.#file, new Uint8Array(8));
  }

  /** Unix nanoseconds by the set clock, to the millisecond. */
  now(): bigint {
    return BigInt(Date.now()) * 1_000_000n + this.#offsetNs;
  }

  /** Sets it forward, or back. */
  set(seconds: number): void {
    const until = this.now();
    this.#offsetNs += BigInt(seconds) * 1_000_000_000n;
    this.#write();
    this.#eras.push([this.#sinceNs, until + msNs]);
    this.#sinceNs = this.now();
  }

  /** The times that it has shown. */
  eras(): readonly Era[] {
    return [...this.#eras, [this.#sinceNs, this.now() + msNs]];
  }

  /** In place: the file is mapped. */
  #write(): void {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setBigInt64(0, this.#offsetNs, true);
    writeFileSync(this.#file, new Uint8Array(bytes.buffer), { flag: 'r+' });
  }
}

/** Date.now() is cut to milliseconds. */
const msNs = 1_000_000n;
