import type { Build } from './build.ts';
import type { Pair } from './pairs.ts';

/** What is measured, in this order. */
export const PARTS = ['bpf', 'processors', 'rest', 'starts', 'sent', 'peaks', 'collection'] as const;

export type PartName = (typeof PARTS)[number];

/** One row of the table. */
export interface Figure {
  /** As in the readings. */
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  readonly digits?: number;
  /** What the ratio is to be, as words. */
  readonly aim?: string;
}

/** Figures that are measured together; it leaves nothing behind. */
export interface Part {
  readonly figures: readonly Figure[];
  measure(against: Build, isQuick: boolean): Promise<Pair[]>;
}
