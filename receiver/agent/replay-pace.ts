import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { StopSignals } from './stop-signals.ts';

const BUSY_MS = 5;
/** Steps that are done without letting anything else happen. */
const RUN_STEPS = 16;

type Stops = Pick<StopSignals, 'isStopping' | 'stopped'>;

/** When steps of a recording are done again: as then, or one right after the other. */
export class Pace {
  readonly #isRecorded: boolean;
  readonly #signals: Stops;
  #offsetMs: number | undefined;
  #steps = 0;

  constructor(isRecorded: boolean, signals: Stops) {
    this.#isRecorded = isRecorded;
    this.#signals = signals;
  }

  get isStopping(): boolean {
    return this.#signals.isStopping;
  }

  /** Until it is time for the step of then, and nothing is busy. */
  async wait(atNs: bigint, isBusy: () => boolean): Promise<void> {
    this.#steps += 1;
    if (this.#steps % RUN_STEPS === 0) await setImmediate();
    while (isBusy() && !this.isStopping) await sleep(BUSY_MS);
    if (!this.#isRecorded) return;
    const atMs = Number(atNs) / 1e6;
    this.#offsetMs ??= performance.now() - atMs;
    const waitMs = atMs + this.#offsetMs - performance.now();
    if (waitMs > 0) await Promise.race([sleep(waitMs), this.#signals.stopped]);
  }
}
