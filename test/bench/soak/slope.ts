/** How a figure grows with what was done. */

export interface Sample {
  readonly x: number;
  readonly y: number;
}

/** Least squares: what y gains for each x. NaN where all x are the same, or there are fewer than two. */
export function slope(samples: readonly Sample[]): number {
  const meanX = mean(samples.map(({ x }) => x));
  const meanY = mean(samples.map(({ y }) => y));
  const square = samples.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const product = samples.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  return square === 0 ? NaN : product / square;
}

/** The samples after the first quarter of all x: what a start takes is no growth. */
export function afterFirstQuarter(samples: readonly Sample[]): Sample[] {
  const last = Math.max(...samples.map(({ x }) => x));
  return samples.filter(({ x }) => x >= last / 4);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
