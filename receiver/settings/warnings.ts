import type { AppConfig } from '../../config/index.ts';

const EXPLICIT_BUCKETS =
  'Histograms keep their explicit buckets: they are filled in the kernel, and OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION (otlp.metrics.histogram_aggregation) cannot make them exponential; unset it, or let the collector convert them.';
const REFUSED_DELTAS =
  'Prometheus refuses metrics that are deltas, whole and with status 500, unless it runs with --enable-feature=otlp-deltatocumulative: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE (otlp.metrics.temporality) to cumulative, or send to a collector that adds them up with its processor deltatocumulative.';

/** What was asked for and is not done: one sentence each, for the log. */
export function warningsOf({ histogramAggregation, otlp, temporality }: AppConfig): readonly string[] {
  if (!otlp.metrics.enabled) return [];
  const isRefused = temporality !== 'cumulative' && isPrometheus(otlp.metrics.endpoint);
  return [
    ...(histogramAggregation === 'explicit_bucket_histogram' ? [] : [EXPLICIT_BUCKETS]),
    ...(isRefused ? [REFUSED_DELTAS] : []),
  ];
}

/** The path of its OTLP receiver. */
function isPrometheus(endpoint: string): boolean {
  return new URL(endpoint).pathname.includes('/api/v1/otlp');
}
