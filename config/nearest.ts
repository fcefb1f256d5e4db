import { editDistance } from './edit-distance.ts';

const MAX_GIVEN_LENGTH = 100;

/**
 * The candidate most like `given`: one that ends with it after a separator
 * (`ring_buffer_size` for `bpf.ring_buffer_size`), else the one at the least edit distance.
 */
export function nearest(given: string, candidates: Iterable<string>): string | undefined {
  const wanted = given.slice(0, MAX_GIVEN_LENGTH).toLowerCase();
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const lower = candidate.toLowerCase();
    const isTail = lower.endsWith(`.${wanted}`) || lower.endsWith(`_${wanted}`);
    const distance = isTail ? 0.5 : editDistance(wanted, lower);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
