import type { Verdict } from './status.ts';

/** How many intervals may pass without a collection, and the shortest time that is too long. */
const INTERVALS = 3;
const SHORTEST_MS = 30_000;

/** Whether the agent does its work: what is told here by whom does it, and what follows. */
export class VitalSigns {
  readonly #intervalMs: number;
  readonly #now: () => number;
  #attachedMs: number | undefined;
  #collectedMs: number | undefined;
  #isStopping = false;

  /** `now`: any steady clock, milliseconds. */
  constructor(intervalMs: number, now: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  attached(): void {
    this.#attachedMs = this.#now();
  }

  /** A collection was made, whoever takes it. */
  collected(): void {
    this.#collectedMs = this.#now();
  }

  stopping(): void {
    this.#isStopping = true;
  }

  /** Programs are attached, a first collection was made, and it does not stop. */
  ready(): Verdict {
    if (this.#isStopping) return { isSo: false, why: 'stopping' };
    if (this.#attachedMs === undefined) return { isSo: false, why: 'programs are not attached yet' };
    if (this.#collectedMs === undefined) return { isSo: false, why: 'nothing was collected yet' };
    return { isSo: true, why: 'programs are attached and metrics are collected' };
  }

  /** Collections go on; while it starts and stops there are none. */
  healthy(): Verdict {
    const sinceMs = this.#collectedMs ?? this.#attachedMs;
    if (this.#isStopping || sinceMs === undefined)
      return { isSo: true, why: this.#isStopping ? 'stopping' : 'starting' };
    const idleMs = this.#now() - sinceMs;
    const every = `(every ${seconds(this.#intervalMs)} s, export.metrics.interval)`;
    const isSo = idleMs <= Math.max(INTERVALS * this.#intervalMs, SHORTEST_MS);
    return isSo
      ? { isSo, why: `last collection ${seconds(idleMs)} s ago ${every}` }
      : { isSo, why: `no collection for ${seconds(idleMs)} s ${every}; the log of the agent may say why` };
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 10_000 ? 1 : 0);
}
