import type { Attributes, Meter } from '@opentelemetry/api';
import { ATTR_ERROR_TYPE } from '../../semconv/index.ts';
import type { SignalCounters } from '../export/counters.ts';
import type { Signal } from '../export/options.ts';
import type { ExportSource } from './agent-sources.ts';
import type { Stat, InstrumentDefinition } from './stats.ts';
import { observe } from './stats.ts';

const exporterTypes = {
  metrics: 'wirespan_metric_exporter',
  traces: 'wirespan_batch_exporter',
  logs: 'wirespan_batch_exporter',
};
const itemNames = { metrics: 'metric_data_point', traces: 'span', logs: 'log' } as const;
const units = { metrics: '{data_point}', traces: '{span}', logs: '{log_record}' } as const;
const words = { metrics: 'data points', traces: 'spans', logs: 'log records' } as const;

/** Seconds: a request on the same host takes a millisecond, one with retries up to minutes. */
const durationBoundaries = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/** Creates the `otel.sdk.*` instruments of the semantic conventions for our own exporters. */
export function createExportInstruments(meter: Meter, source: ExportSource): void {
  recordOperations(meter, source);
  for (const signal of ['metrics', 'traces', 'logs'] as const) {
    if (source.origins()[signal] === undefined) continue;
    const shape = { unit: units[signal], valueType: 'int' } as const;
    const exporter = `otel.sdk.exporter.${itemNames[signal]}`;
    const attributes = componentOf(signal, source);
    const define = (name: string, instrument: InstrumentDefinition['instrument'], description: string) =>
      ({ ...shape, name, instrument, description }) satisfies InstrumentDefinition;

    observe(
      meter,
      define(
        `${exporter}.exported`,
        'counter',
        `The number of ${words[signal]} for which the export has finished.`,
      ),
      () => exportedStats(source.counters()[signal], attributes),
    );
    observe(
      meter,
      define(
        `${exporter}.inflight`,
        'updowncounter',
        `The number of ${words[signal]} that are being exported.`,
      ),
      () => [[source.counters()[signal].inFlight - queueSize(source, signal), attributes]],
    );
    if (signal === 'metrics') continue;
    const processor = `otel.sdk.processor.${itemNames[signal]}`;
    observe(
      meter,
      define(`${processor}.queue.size`, 'updowncounter', `The number of ${words[signal]} that wait.`),
      () => [[source.queues()[signal].size, attributes]],
    );
    observe(
      meter,
      define(`${processor}.queue.capacity`, 'updowncounter', `The most ${words[signal]} that may wait.`),
      () => [[source.queues()[signal].capacity, attributes]],
    );
    observe(
      meter,
      define(
        `${processor}.processed`,
        'counter',
        `The number of ${words[signal]} that left the queue or never entered it.`,
      ),
      () => processedStats(source, signal, attributes),
    );
  }
}

function recordOperations(meter: Meter, source: ExportSource): void {
  const duration = meter.createHistogram('otel.sdk.exporter.operation.duration', {
    unit: 's',
    description: 'The duration of exporting a batch of telemetry records.',
    advice: { explicitBucketBoundaries: durationBoundaries },
  });
  source.operations.onOperation = ({ signal, seconds, error }) =>
    duration.record(seconds, {
      ...componentOf(signal, source),
      ...(error !== undefined && { [ATTR_ERROR_TYPE]: error }),
    });
}

function exportedStats({ exported, dropped }: SignalCounters, attributes: Attributes): Stat[] {
  const stats: Stat[] = [[exported, attributes]];
  for (const reason of ['rejected', 'retry_expired', 'encode_error'] as const) {
    if (dropped[reason] > 0) stats.push([dropped[reason], { ...attributes, [ATTR_ERROR_TYPE]: reason }]);
  }
  return stats;
}

function processedStats(source: ExportSource, signal: 'traces' | 'logs', attributes: Attributes): Stat[] {
  const { accepted, dropped } = source.counters()[signal];
  const passed = accepted - dropped.queue_full - dropped.already_shutdown - queueSize(source, signal);
  const stats: Stat[] = [[passed, attributes]];
  for (const reason of ['queue_full', 'already_shutdown'] as const) {
    if (dropped[reason] > 0) stats.push([dropped[reason], { ...attributes, [ATTR_ERROR_TYPE]: reason }]);
  }
  return stats;
}

function queueSize(source: ExportSource, signal: Signal): number {
  return signal === 'metrics' ? 0 : source.queues()[signal].size;
}

function componentOf(signal: Signal, source: ExportSource): Attributes {
  const type = exporterTypes[signal];
  const attributes: Attributes = {
    'otel.component.type': type,
    'otel.component.name': `${type}/${signal === 'logs' ? 1 : 0}`,
  };
  const origin = source.origins()[signal] ?? '';
  if (!URL.canParse(origin)) return attributes;
  const { hostname, port, protocol } = new URL(origin);
  const defaultPort = protocol === 'https:' ? 443 : 80;
  return {
    ...attributes,
    'server.address': hostname,
    'server.port': port === '' ? defaultPort : Number(port),
  };
}
