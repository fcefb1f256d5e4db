/** Number of single-character insertions, deletions and replacements from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

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
