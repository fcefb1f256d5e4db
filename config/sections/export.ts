import { choice, duration, filePath, type Format, integer, onOff, refuse } from '../format.ts';
import { pairs } from '../format-lists.ts';
import { setting, type SettingSource, type SettingTree } from '../setting.ts';

/** `http(s)://host[:port][/path]`, or `host:port` for gRPC. */
const endpoint: Format<string> = {
  expects: 'URL (`http://…`, `https://…`); for gRPC also `host:port`',
  schema: { type: 'string', minLength: 1 },
  isQuiet: true,
  read(value) {
    const given = typeof value === 'string' ? value.trim() : '';
    if (/^unix(?:-abstract)?:/i.test(given))
      return refuse(
        'begin with http:// or https://: a Unix socket cannot be an endpoint; let the collector listen on localhost',
      );
    const hasScheme = given.includes('://');
    if (hasScheme && !/^https?:\/\//i.test(given)) return refuse('begin with http:// or https://');
    const url = hasScheme ? given : `http://${given}`;
    const port = portIn(given);
    if (port !== undefined && (port < 1 || port > 65_535)) return refuse('have a port from 1 to 65535');
    if (!URL.canParse(url)) return refuse('be a URL such as http://localhost:4317');
    // `http:/host:4317` is a URL's typing error, and no host with the name http.
    if (!hasScheme && !/^[^/\\?#]+:\d+$/.test(given))
      return refuse('be a URL such as http://localhost:4317, or host:port for gRPC');
    return given;
  },
};

/** The port that is written in an endpoint. */
function portIn(endpoint: string): number | undefined {
  const authority = /^(?:[a-z]+:\/\/)?([^/\\?#]*)/i.exec(endpoint)?.[1] ?? '';
  const port = /:(\d+)$/.exec(authority.slice(authority.lastIndexOf('@') + 1))?.[1];
  return port === undefined ? undefined : Number(port);
}

const protocol: Format<'grpc' | 'http/protobuf'> = {
  ...choice(['grpc', 'http/protobuf']),
  read: (value) =>
    value === 'http/json'
      ? refuse('be grpc or http/protobuf; JSON is not supported')
      : choice(['grpc', 'http/protobuf']).read(value),
};

const exporter: Format<'otlp' | 'none'> = {
  ...choice(['otlp', 'none']),
  read(value) {
    const given = typeof value === 'string' ? value.trim().toLowerCase() : value;
    if (given === 'otlp' || given === 'none') return given;
    return refuse('be otlp or none: there is no other exporter');
  },
};

const headers = pairs(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'that are HTTP header names');

type Settings = Readonly<Record<string, SettingSource>>;

function transport(of: string): Settings {
  return {
    endpoint: setting(endpoint, undefined, `Collector that takes ${of}.`, {
      defaultText: '`http://localhost:4317`; for `http/protobuf` `http://localhost:4318`',
      isEndpoint: true,
    }),
    protocol: setting(protocol, 'grpc', `OTLP transport for ${of}.`),
    headers: setting(headers, [], `Headers sent with ${of}.`, { defaultText: 'none', sensitive: true }),
    timeout: setting(duration(1), 10_000, `Longest time for one request with ${of}.`, {
      defaultText: '`10s`',
    }),
    compression: setting(choice(['none', 'gzip']), 'none', `Compression of ${of}.`),
  };
}

function tls(of: string): Settings {
  const none = { defaultText: 'none' };
  return {
    certificate: setting(filePath, undefined, `PEM file with the certificates to trust for ${of}.`, {
      defaultText: 'those of the system',
    }),
    client_key: setting(
      filePath,
      undefined,
      `PEM file with the private key for mutual TLS with ${of}.`,
      none,
    ),
    client_certificate: setting(filePath, undefined, 'PEM file with the certificate of `client_key`.', none),
    insecure: setting(onOff, 'off', 'No TLS for a gRPC endpoint without a scheme.'),
  };
}

/** The same settings for one signal: not set, they are those for all. */
function ofSignal(of: string): Settings {
  const own = Object.entries({ ...transport(of), ...tls(of) });
  return {
    exporter: setting(exporter, 'otlp', `Whether ${of} are exported at all.`),
    ...Object.fromEntries(
      own.map(([name, source]) => [
        name,
        { ...source, default: undefined, defaultText: 'as for all signals' },
      ]),
    ),
  };
}

/** Where telemetry goes: OTLP, for all signals and for each. */
export const otlpSettings: SettingTree = {
  otlp: {
    ...transport('all signals'),
    ...tls('all signals'),
    traces: ofSignal('spans'),
    metrics: {
      ...ofSignal('metrics'),
      temporality: setting(
        choice(['cumulative', 'delta', 'lowmemory']),
        'cumulative',
        'Aggregation temporality preference of metrics.',
      ),
      exemplar_filter: setting(
        choice(['trace_based', 'always_on', 'always_off']),
        'trace_based',
        'Which measurements may become exemplars: those of sampled traces, all, or none.',
      ),
      histogram_aggregation: setting(
        choice(['explicit_bucket_histogram', 'base2_exponential_bucket_histogram']),
        'explicit_bucket_histogram',
        'Default histogram aggregation. Histograms have explicit buckets, filled in the kernel; asked for others, the agent warns and keeps them.',
      ),
    },
    logs: ofSignal('events'),
  },
};

function queue(of: string, delayMs: number, delayText: string): SettingTree {
  return {
    queue_size: setting(
      integer(1, 2 ** 20),
      undefined,
      `Most ${of} waiting to be exported; more are dropped and counted.`,
      { defaultText: 'as `export.queue_size`' },
    ),
    batch_size: setting(integer(1, 2 ** 20), 512, `Most ${of} in one request.`),
    delay: setting(duration(1), delayMs, `Longest wait before ${of} are sent.`, { defaultText: delayText }),
    timeout: setting(
      duration(1),
      300_000,
      `Longest time for one batch of ${of}, its retries included; then it is dropped and counted.`,
      { defaultText: '`5m`' },
    ),
  };
}

/** When and in what portions telemetry goes. */
export const exportSettings: SettingTree = {
  export: {
    queue_size: setting(
      integer(1, 2 ** 20),
      8192,
      'Most spans, and most events, waiting to be exported; more are dropped and counted.',
    ),
    metrics: {
      interval: setting(duration(100), 60_000, 'Time between two exports of metrics.', {
        defaultText: '`60s`',
      }),
      timeout: setting(
        duration(1),
        30_000,
        'Longest time for one export of metrics, its retries included; what is not sent then goes with the next one.',
        {
          defaultText: '`30s`',
        },
      ),
    },
    spans: queue('spans', 5_000, '`5s`'),
    events: queue('events', 1_000, '`1s`'),
  },
};
