/** Which bucket of a histogram a value is in, as OpenTelemetry has it: each holds its upper boundary. */
export function bucketOf(value: number, boundaries: readonly number[]): number {
  const index = boundaries.findIndex((bound) => value <= bound);
  return index < 0 ? boundaries.length : index;
}
