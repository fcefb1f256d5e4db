import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { unitWord } from './prometheus-names.ts';

/** The media type of what `prometheusText` makes. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Cumulative metrics in Prometheus' text format, with the names that its own OTLP receiver gives them. The library's
 * serializer does all but the units, which it leaves out of names.
 */
export function prometheusText({ resource, scopeMetrics }: ResourceMetrics): string {
  const named = scopeMetrics.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(withUnit) }));
  return new PrometheusSerializer().serialize({ resource, scopeMetrics: named });
}

function withUnit(data: MetricData): MetricData {
  const { name, unit } = data.descriptor;
  const word = unitWord(unit, data.dataPointType === DataPointType.GAUGE);
  const suffixed = word === '' || name.endsWith(`_${word}`) ? name : `${name}_${word}`;
  return { ...data, descriptor: { ...data.descriptor, name: suffixed, unit: word } };
}
