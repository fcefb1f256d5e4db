import { editDistance } from './edit-distance.ts';

const MAX_GIVEN_LENGTH = 100;
/** Mistakes of typing in a long name that is still known for what was meant; in a short one, a third of its length. */
const MAX_DISTANCE = 3;
/** Where two are equally near, the whole name comes before one that only ends so. */
const TAIL = 0.5;

/** How names are compared. */
export interface NearestOptions {
  /** Default: what follows a separator in a candidate may be what was meant, as in `ring_buffer_size`. */
  readonly whole?: boolean;
  /** What a hint shows before the name. */
  readonly prefix?: string;
}

/** The candidate that was probably meant, at the least edit distance; undefined when none is near. */
function nearest(
  given: string,
  candidates: Iterable<string>,
  { whole = false }: NearestOptions = {},
): string | undefined {
  const wanted = given.slice(0, MAX_GIVEN_LENGTH).toLowerCase();
  const limit = Math.min(MAX_DISTANCE, Math.max(1, Math.floor(wanted.length / 3)));
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    for (const [name, cost] of namesOf(candidate.toLowerCase(), whole)) {
      if (Math.abs(name.length - wanted.length) > limit) continue;
      const distance = editDistance(wanted, name);
      if (distance > limit || distance + cost >= bestDistance) continue;
      best = candidate;
      bestDistance = distance + cost;
    }
  }
  return best;
}

/** The end of a sentence that names the candidate that was probably meant; empty when none is near. */
export function nearestHint(
  given: string,
  candidates: Iterable<string>,
  options: NearestOptions = {},
): string {
  const close = nearest(given, candidates, options);
  return close === undefined ? '' : `; the nearest is ${options.prefix ?? ''}${close}`;
}

function* namesOf(candidate: string, whole: boolean): Generator<[name: string, cost: number]> {
  yield [candidate, 0];
  if (whole) return;
  for (const { index } of candidate.matchAll(/[._]/g)) yield [candidate.slice(index + 1), TAIL];
}
