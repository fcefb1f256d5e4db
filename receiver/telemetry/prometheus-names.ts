/** Prometheus' words for the units of the registry; OpenTelemetry's specification has the list. */
const UNITS: Readonly<Record<string, string>> = { By: 'bytes', s: 'seconds' };

/** What Prometheus' own OTLP receiver adds to the name of a metric for its unit; empty: nothing. */
export function unitWord(unit: string, isGauge: boolean): string {
  return unit === '1' && isGauge ? 'ratio' : (UNITS[unit] ?? '');
}
