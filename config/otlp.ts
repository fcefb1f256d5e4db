import type { OtlpTargetConfig, QueueConfig } from './app-config.ts';
import type { ConfigProblem } from './errors.ts';
import type { Pairs } from './format-lists.ts';
import type { Settings } from './settings.ts';

/** The parts of the pipeline that have a target of their own. */
export type OtlpSignal = 'traces' | 'metrics' | 'logs';

/** The value of a key, and the key that it came from: the signal's own, else that for all. */
function inherited(settings: Settings, signal: OtlpSignal, name: string): { key: string; value: unknown } {
  const own = `otlp.${signal}.${name}`;
  const value = settings.values.get(own);
  return value === undefined
    ? { key: `otlp.${name}`, value: settings.values.get(`otlp.${name}`) }
    : { key: own, value };
}

function endpointOf(settings: Settings, signal: OtlpSignal, protocol: string, isInsecure: boolean): string {
  const { key, value } = inherited(settings, signal, 'endpoint');
  if (protocol === 'grpc') {
    const given = typeof value === 'string' ? value : 'http://localhost:4317';
    return given.includes('://') ? given : `${isInsecure ? 'http' : 'https'}://${given}`;
  }
  const given = typeof value === 'string' ? value : 'http://localhost:4318';
  if (key === `otlp.${signal}.endpoint`) return given;
  const url = new URL(given);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal}`;
  return url.href;
}

/** Resolves what a signal inherits. */
export function otlpTarget(settings: Settings, signal: OtlpSignal): OtlpTargetConfig {
  const value = (name: string): unknown => inherited(settings, signal, name).value;
  const path = (name: string, field: string): Record<string, string> => {
    const given = value(name);
    return typeof given === 'string' ? { [field]: given } : {};
  };
  const protocol = value('protocol') as OtlpTargetConfig['protocol'];
  const isInsecure = value('insecure') === 'on';
  const given = value('endpoint');
  const isTlsAssumed = typeof given === 'string' && !given.includes('://') && !isInsecure;
  const general = (settings.values.get('otlp.headers') ?? []) as Pairs;
  const own = (settings.values.get(`otlp.${signal}.headers`) ?? []) as Pairs;
  return {
    enabled: settings.values.get(`otlp.${signal}.exporter`) !== 'none',
    endpoint: endpointOf(settings, signal, protocol, isInsecure),
    ...(isTlsAssumed && { isTlsAssumed }),
    protocol,
    headers: Object.fromEntries([...general, ...own]),
    timeoutMs: value('timeout') as number,
    compression: value('compression') as OtlpTargetConfig['compression'],
    ...path('certificate', 'certificate'),
    ...path('client_key', 'clientKey'),
    ...path('client_certificate', 'clientCertificate'),
  };
}

/** Resolves a queue's size from its own key or the one for both. */
export function queueOf(settings: Settings, kind: 'spans' | 'events'): QueueConfig {
  const value = (name: string): number => settings.values.get(`export.${kind}.${name}`) as number;
  const queueSize =
    settings.values.get(`export.${kind}.queue_size`) ?? settings.values.get('export.queue_size');
  const batchSize = value('batch_size');
  return {
    queueSize: queueSize as number,
    // The default batch yields to a smaller queue; one that was asked for is checked instead.
    batchSize: Math.min(batchSize, queueSize as number),
    delayMs: value('delay'),
    timeoutMs: value('timeout'),
  };
}

/** A problem of a key, with the place that it was given in. */
export function located(settings: Settings, key: string, problem: string): ConfigProblem {
  const where = settings.origins.get(key);
  return where === undefined ? { subject: key, problem } : { subject: key, where, problem };
}

/** What single keys cannot tell: values that do not go together. */
export function crossProblems(settings: Settings): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  const report = (key: string, problem: string): void =>
    void problems.set(key, located(settings, key, problem));
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    const endpoint = inherited(settings, signal, 'endpoint');
    const isHttp = inherited(settings, signal, 'protocol').value === 'http/protobuf';
    if (isHttp && typeof endpoint.value === 'string' && !endpoint.value.includes('://')) {
      report(endpoint.key, 'must begin with http:// or https:// for http/protobuf');
    }
    const clientKey = inherited(settings, signal, 'client_key');
    const certificate = inherited(settings, signal, 'client_certificate');
    if (clientKey.value !== undefined && certificate.value === undefined)
      report(clientKey.key, 'needs client_certificate too');
    if (clientKey.value === undefined && certificate.value !== undefined)
      report(certificate.key, 'needs client_key too');
  }
  for (const kind of ['spans', 'events'] as const) {
    const key = `export.${kind}.batch_size`;
    const { queueSize } = queueOf(settings, kind);
    if (settings.origins.has(key) && (settings.values.get(key) as number) > queueSize) {
      report(key, `must be at most the size of its queue, ${String(queueSize)}`);
    }
  }
  return [...problems.values()];
}
