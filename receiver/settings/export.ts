import type { AppConfig, OtlpTargetConfig } from '../../config/index.ts';
import type { EndpointOptions, ExportOptions, Signal } from '../export/options.ts';

const signals: readonly Signal[] = ['metrics', 'traces', 'logs'];

/** The settings of the exporters, every signal with its own target. */
export function exportOptionsOf(config: AppConfig): ExportOptions {
  return {
    signals: {
      metrics: endpointOf(config.otlp.metrics),
      traces: endpointOf(config.otlp.traces),
      logs: endpointOf(config.otlp.logs),
    },
    disabled: signals.filter((signal) => !config.otlp[signal].enabled),
    queues: {
      traces: {
        capacity: config.spanQueue.queueSize,
        batchSize: config.spanQueue.batchSize,
        scheduleMs: config.spanQueue.delayMs,
        timeoutMs: config.spanQueue.timeoutMs,
      },
      logs: {
        capacity: config.eventQueue.queueSize,
        batchSize: config.eventQueue.batchSize,
        scheduleMs: config.eventQueue.delayMs,
        timeoutMs: config.eventQueue.timeoutMs,
      },
    },
  };
}

function endpointOf(target: OtlpTargetConfig): EndpointOptions {
  return {
    protocol: target.protocol,
    endpoint: target.endpoint,
    headers: target.headers,
    timeoutMs: target.timeoutMs,
    compression: target.compression,
    isInsecure: target.insecure,
    ...(target.certificate !== undefined && { caFile: target.certificate }),
    ...(target.clientKey !== undefined && { clientKeyFile: target.clientKey }),
    ...(target.clientCertificate !== undefined && { clientCertificateFile: target.clientCertificate }),
  };
}
