/** Standard variables of OpenTelemetry and the key that each one sets. */
export const OTEL_VARIABLES: ReadonlyMap<string, string> = new Map([
  ...otlpVariables('', ''),
  ...otlpVariables('TRACES_', 'traces.'),
  ...otlpVariables('METRICS_', 'metrics.'),
  ...otlpVariables('LOGS_', 'logs.'),
  ['OTEL_TRACES_EXPORTER', 'otlp.traces.exporter'],
  ['OTEL_METRICS_EXPORTER', 'otlp.metrics.exporter'],
  ['OTEL_LOGS_EXPORTER', 'otlp.logs.exporter'],
  ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'otlp.metrics.temporality'],
  ['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION', 'otlp.metrics.histogram_aggregation'],
  ['OTEL_METRICS_EXEMPLAR_FILTER', 'otlp.metrics.exemplar_filter'],
  ['OTEL_METRIC_EXPORT_INTERVAL', 'export.metrics.interval'],
  ['OTEL_METRIC_EXPORT_TIMEOUT', 'export.metrics.timeout'],
  ...batchVariables('OTEL_BSP', 'spans'),
  ...batchVariables('OTEL_BLRP', 'events'),
  ['OTEL_SERVICE_NAME', 'agent.service_name'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'agent.resource_attributes'],
]);

/** Names that are near to one of those above and no mistake: obsolete ones, which SDKs may still read. */
export const OTHERS_OTEL_VARIABLES: ReadonlySet<string> = new Set([
  'OTEL_EXPORTER_OTLP_METRIC_INSECURE',
  'OTEL_EXPORTER_OTLP_SPAN_INSECURE',
]);

function otlpVariables(signal: string, group: string): [string, string][] {
  return [
    'endpoint',
    'protocol',
    'headers',
    'timeout',
    'compression',
    'certificate',
    'client_key',
    'client_certificate',
    'insecure',
  ].map((name) => [`OTEL_EXPORTER_OTLP_${signal}${name.toUpperCase()}`, `otlp.${group}${name}`]);
}

function batchVariables(prefix: string, group: string): [string, string][] {
  return [
    [`${prefix}_MAX_QUEUE_SIZE`, `export.${group}.queue_size`],
    [`${prefix}_MAX_EXPORT_BATCH_SIZE`, `export.${group}.batch_size`],
    [`${prefix}_SCHEDULE_DELAY`, `export.${group}.delay`],
    [`${prefix}_EXPORT_TIMEOUT`, `export.${group}.timeout`],
  ];
}
