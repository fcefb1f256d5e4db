import type { AppConfig } from '../../config/index.ts';

/** What was asked for and is not done: one sentence each, for the log. */
export function warningsOf({ histogramAggregation, otlp }: AppConfig): readonly string[] {
  if (!otlp.metrics.enabled || histogramAggregation === 'explicit_bucket_histogram') return [];
  return [
    'Histograms keep their explicit buckets: they are filled in the kernel, and OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION (otlp.metrics.histogram_aggregation) cannot make them exponential; unset it, or let the collector convert them.',
  ];
}
