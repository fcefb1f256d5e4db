import { choice, duration, filePath, type Format, integer, onOff, refuse } from '../format.ts';
import { pairs } from '../format-lists.ts';
import { setting, type SettingTree } from '../setting.ts';

/** `http(s)://host[:port][/path]`, or `host:port` for gRPC. */
const endpoint: Format<string> = {
  expects: 'URL (`http://…`, `https://…`); for gRPC also `host:port`',
  read(value) {
    const given = typeof value === 'string' ? value.trim() : '';
    const hasScheme = given.includes('://');
    if (hasScheme && !/^https?:\/\//i.test(given)) return refuse('begin with http:// or https://');
    const url = hasScheme ? given : `http://${given}`;
    if (!URL.canParse(url)) return refuse('be a URL such as http://localhost:4317');
    if (!hasScheme && !/:\d+$/.test(given)) return refuse('be a URL such as http://localhost:4317, or host:port for gRPC');
    return given;
  },
};

const protocol: Format<'grpc' | 'http/protobuf'> = {
  ...choice(['grpc', 'http/protobuf']),
  read: (value) =>
    value === 'http/json'
      ? refuse('be grpc or http/protobuf; JSON is not supported')
      : choice(['grpc', 'http/protobuf']).read(value),
};

const headers = pairs(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'that are HTTP header names');

function target(of: string, inherit: string | undefined): SettingTree {
  const none = inherit ?? 'none';
  const text = (own: string): { defaultText: string } => ({ defaultText: inherit ?? own });
  return {
    endpoint: setting(endpoint, undefined, `Collector that takes ${of}.`, text('`http://localhost:4317`; for `http/protobuf` `http://localhost:4318`')),
    protocol: setting(protocol, inherit === undefined ? 'grpc' : undefined, `OTLP transport for ${of}.`, text('`grpc`')),
    headers: setting(headers, inherit === undefined ? [] : undefined, `Headers sent with ${of}.`, { defaultText: none, sensitive: true }),
    timeout: setting(duration(1), inherit === undefined ? 10_000 : undefined, `Longest time for one export of ${of}, its retries included.`, text('`10s`')),
    compression: setting(choice(['none', 'gzip']), inherit === undefined ? 'none' : undefined, `Compression of ${of}.`, text('`none`')),
    certificate: setting(filePath, undefined, `PEM file with the certificates to trust for ${of}.`, text('those of the system')),
    client_key: setting(filePath, undefined, `PEM file with the private key for mutual TLS with ${of}.`, text('none')),
    client_certificate: setting(filePath, undefined, `PEM file with the certificate of \`client_key\`.`, text('none')),
    insecure: setting(onOff, inherit === undefined ? 'off' : undefined, 'No TLS for a gRPC endpoint without a scheme.', text('`off`')),
  };
}

/** Where telemetry goes: OTLP, for all signals and for each. */
export const otlpSettings: SettingTree = {
  otlp: {
    ...target('all signals', undefined),
    traces: target('spans', 'as for all signals'),
    metrics: {
      ...target('metrics', 'as for all signals'),
      temporality: setting(choice(['cumulative', 'delta', 'lowmemory']), 'cumulative', 'Aggregation temporality preference of metrics.'),
    },
    logs: target('events', 'as for all signals'),
  },
};

function queue(of: string, delayMs: number, delayText: string): SettingTree {
  return {
    queue_size: setting(integer(1), undefined, `Most ${of} waiting to be exported; more are dropped and counted.`, { defaultText: 'as `export.queue_size`' }),
    batch_size: setting(integer(1), 512, `Most ${of} in one request.`),
    delay: setting(duration(1), delayMs, `Longest wait before ${of} are sent.`, { defaultText: delayText }),
    timeout: setting(duration(1), 30_000, `Longest time for one batch of ${of}.`, { defaultText: '`30s`' }),
  };
}

/** When and in what portions telemetry goes. */
export const exportSettings: SettingTree = {
  export: {
    queue_size: setting(integer(1, 2 ** 20), 8192, 'Most spans, and most events, waiting to be exported; more are dropped and counted.'),
    metrics: {
      interval: setting(duration(100), 60_000, 'Time between two exports of metrics.', { defaultText: '`60s`' }),
      timeout: setting(duration(1), 30_000, 'Longest time for one export of metrics.', { defaultText: '`30s`' }),
    },
    spans: queue('spans', 5_000, '`5s`'),
    events: queue('events', 1_000, '`1s`'),
  },
};
