import { portOf } from './authority.ts';
import { headersOf, metadataOf, readTls } from './endpoint-security.ts';
import type { ExportOptions, OtlpTarget, Signal } from './options.ts';
import { wayTo } from './proxy.ts';
import type { Variables } from './variables.ts';

const SIGNALS: readonly Signal[] = ['metrics', 'traces', 'logs'];

/**
 * Where each signal goes, as comments for the end of a YAML file of settings. Throws an EndpointError for what the
 * exporters would refuse at the start.
 */
export function renderEndpoints(otlp: ExportOptions['otlp'], env: Variables): string {
  const lines = SIGNALS.map((signal) => `#   ${signal}: ${describe(signal, otlp[signal], env)}`);
  return ['# Where telemetry goes:', ...lines, ''].join('\n');
}

function describe(signal: Signal, target: OtlpTarget, env: Variables): string {
  if (!target.enabled) return 'not exported';
  const { protocol, compression, timeoutMs } = target;
  if (protocol === 'grpc') metadataOf(target);
  else headersOf(target);
  return [
    `${protocol} to ${placeOf(signal, target)}`,
    tlsOf(target),
    proxyTo(target, env),
    compression === 'none' ? 'no compression' : compression,
    `at most ${timeoutMs} ms for a request`,
  ].join(', ');
}

/** A path may be a secret, but for that of OTLP. */
function placeOf(signal: Signal, { endpoint, protocol }: OtlpTarget): string {
  const { hostname, pathname } = new URL(endpoint);
  const address = `${hostname} port ${portOf(endpoint)}`;
  if (protocol === 'grpc') return address;
  return `${address}, ${pathname === `/v1/${signal}` ? pathname : 'a path that is not shown'}`;
}

function tlsOf(target: OtlpTarget): string {
  const { cert } = readTls(target);
  if (target.endpoint.startsWith('http:')) return 'no TLS';
  const why = target.isTlsAssumed === true ? ' (the endpoint has no scheme)' : '';
  return cert === undefined ? `TLS${why}` : `TLS with a client certificate${why}`;
}

function proxyTo(target: OtlpTarget, env: Variables): string {
  const { proxy, bypass } = wayTo(target, env);
  if (proxy !== undefined) return `by the proxy ${proxy.origin} (${proxy.variable})`;
  return bypass === undefined ? 'no proxy' : `no proxy (${bypass})`;
}
