import { owner } from '../../support/correlation.ts';

/** One long-lived structure of the receiver, and things that come and go in it. */
export interface Churn {
  readonly name: string;
  /** Makes the structure. What it returns runs the operations `from` (included) to `to`, each on a key of its own. */
  start(): (from: number, to: number) => void;
}

/** A churn out of what one operation does. */
export function churnOf(name: string, start: () => (index: number) => void): Churn {
  return {
    name,
    start() {
      const operate = start();
      return (from, to) => {
        for (let index = from; index < to; index += 1) operate(index);
      };
    },
  };
}

/** Things that are there at once. */
export const HELD = 1_000;

export const MAX_OWNERS = 16_384;

/** A process of its own for each number. */
export function ownerOf(index: number): typeof owner {
  return { ...owner, pid: 1 + index, startNs: BigInt(index) };
}
