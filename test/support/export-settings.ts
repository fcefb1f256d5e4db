import { loadConfig } from '../../config/index.ts';
import type {
  ExportOptions,
  OtlpProtocol,
  OtlpTarget,
  QueuedSignal,
  QueueOptions,
  RetryOptions,
  Signal,
  SignalTarget,
} from '../../receiver/export/options.ts';

/** What a test gives the exporters of all signals; the rest is what the configuration has by default. */
export interface ExportGiven extends Partial<Omit<OtlpTarget, 'enabled'>> {
  readonly disabled?: readonly Signal[];
  readonly queues?: Partial<Record<QueuedSignal, Partial<QueueOptions>>>;
  readonly retry?: RetryOptions;
}

/** The endpoint and the protocol go through the configuration, which makes the URL of each signal. */
export function exportSettings(given: ExportGiven = {}): ExportOptions {
  const { endpoint, protocol = 'grpc', disabled = [], queues, retry, ...more } = given;
  const config = configOf(endpoint, protocol);
  const target = (signal: Signal): OtlpTarget => ({
    ...config.otlp[signal],
    enabled: !disabled.includes(signal),
    ...more,
  });
  return {
    otlp: { metrics: target('metrics'), traces: target('traces'), logs: target('logs') },
    queues: {
      traces: { ...config.queues.traces, ...queues?.traces },
      logs: { ...config.queues.logs, ...queues?.logs },
    },
    ...(retry && { retry }),
  };
}

function configOf(endpoint: string | undefined, protocol: OtlpProtocol): ReturnType<typeof loadConfig> {
  const argv = [
    `--otlp.protocol=${protocol}`,
    ...(endpoint === undefined ? [] : [`--otlp.endpoint=${endpoint}`]),
  ];
  return loadConfig({ argv, env: {}, readFile: () => '' });
}

/** As the exporters make it of their settings. */
export function signalTarget(signal: Signal, given: ExportGiven = {}): SignalTarget {
  const target = exportSettings(given).otlp[signal];
  return { ...target, signal, origin: new URL(target.endpoint).origin };
}
