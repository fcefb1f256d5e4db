import type { ClockSample } from '../model/clock.ts';
import type { MapImage } from '../model/map-image.ts';

/** Hands out batches of records, and returns their bytes. */
export type Drain = (handle: (bytes: Uint8Array) => void) => number;

/** A row of a kernel map. */
export interface RowQuestion {
  readonly map: string;
  readonly key: Uint8Array;
}

/**
 * What stands between those who ask and the kernel and the machine that answer. One records what was answered, another
 * answers with what was recorded: then there is nothing behind it, and what is `live` is never called.
 */
export interface Tape {
  /** CLOCK_MONOTONIC of the step that is under way. */
  readonly nowNs: bigint;
  /** An answer that is plain JSON; undefined stays undefined. */
  ask<T extends Answer>(question: string, live: () => T | undefined): T | undefined;
  clocks(live: () => ClockSample): ClockSample;
  drain(live: Drain, handle: (bytes: Uint8Array) => void): number;
  /** The whole map. */
  rows(map: string, live: () => MapImage): MapImage;
  /** The value of one row; undefined: it is not there. */
  row(question: RowQuestion, live: () => Uint8Array | undefined): Uint8Array | undefined;
  /** What is recorded of a key, or an address: the same, unless addresses are masked. */
  shownKey(question: RowQuestion): Uint8Array;
  shownAddress(address: Uint8Array, family: number): Uint8Array;
}

/** What JSON has. */
export type Answer = string | number | boolean | object;
