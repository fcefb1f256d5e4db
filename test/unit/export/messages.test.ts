/** What a user's mistake with an endpoint is answered with: settings and a server that is there, and the one sentence. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ConfigError } from '../../../config/index.ts';
import { explainCause } from '../../../receiver/export/causes.ts';
import { EndpointError } from '../../../receiver/export/endpoint-error.ts';
import { renderEndpoints } from '../../../receiver/export/endpoint-report.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import type { QueuedSignal } from '../../../receiver/export/options.ts';
import { makeCertificates, withoutOpenssl } from '../../support/certificates.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { signalTarget } from '../../support/export-settings.ts';
import { holdPort } from '../../support/held-port.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { load } from '../config/sources.ts';
import {
  answering,
  startClosing,
  startGrpc,
  startGoWithTls,
  startHttp,
  startHttp2,
  startHttps,
  startProxy,
  type Files,
} from './endpoint-servers.ts';
import { eventOf, spanOf } from '../../support/items.ts';

type Env = Readonly<Record<string, string>>;

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const HTTP: Env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
const GRPC: Env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
const of = (key: string, variable: string): string => `${key} (variable ${variable})`;
const THE_ENDPOINT = of('otlp.endpoint', ENDPOINT);
const NO_SOCKET =
  'the value must begin with http:// or https://: a Unix socket cannot be an endpoint; let the collector listen on localhost';

/** Settings that cannot be used: said before anything is sent, by the agent and by check-config. */
const settings: readonly [settings: Env, sentence: string][] = [
  [{ [ENDPOINT]: 'http://collector:70000' }, `${THE_ENDPOINT}: the value must have a port from 1 to 65535`],
  [{ [ENDPOINT]: 'collector:65536' }, `${THE_ENDPOINT}: the value must have a port from 1 to 65535`],
  [{ [ENDPOINT]: 'https://[::1]:0/x' }, `${THE_ENDPOINT}: the value must have a port from 1 to 65535`],
  [{ ...GRPC, [ENDPOINT]: 'unix:///run/otel.sock' }, `${THE_ENDPOINT}: ${NO_SOCKET}`],
  [{ ...HTTP, [ENDPOINT]: 'unix:/run/otel.sock' }, `${THE_ENDPOINT}: ${NO_SOCKET}`],
  [{ ...HTTP, [ENDPOINT]: 'unix:///run/otel.sock' }, `${THE_ENDPOINT}: ${NO_SOCKET}`],
  [
    { ...HTTP, [ENDPOINT]: 'collector:4318' },
    `${THE_ENDPOINT}: must begin with http:// or https:// for http/protobuf`,
  ],
  ...[GRPC, HTTP].map((protocol): [Env, string] => [
    {
      ...protocol,
      [ENDPOINT]: 'https://collector:4317',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/nonexistent/ca.pem',
    },
    'The OTLP trusted certificates file "/nonexistent/ca.pem" does not exist: give a readable PEM file.',
  ]),
  ...[GRPC, HTTP].map((protocol): [Env, string] => [
    { ...protocol, [ENDPOINT]: 'http://collector:4317', http_proxy: 'socks5://user:word@proxy:1080' },
    'The proxy in the variable http_proxy is not a URL such as http://host:3128: correct the variable or unset it.',
  ]),
];

/** What the agent, and check-config, say of settings that they refuse. */
function refusalsOf(env: Env): string[] {
  // The agent's proxy is the one of its own environment.
  const { http_proxy: proxy, ...otlp } = env;
  const refusal = (use: () => unknown): string => {
    try {
      use();
    } catch (error) {
      assert.ok(error instanceof ConfigError || error instanceof EndpointError, String(error));
      assert.equal(error.exitCode, 2);
      return error.message;
    }
    return 'taken';
  };
  if (proxy !== undefined) process.env['http_proxy'] = proxy;
  try {
    return [
      refusal(() => createExporters(load({ env: otlp }))),
      refusal(() => renderEndpoints(load({ env: otlp }).otlp, env)),
    ];
  } finally {
    delete process.env['http_proxy'];
  }
}

describe('settings of an endpoint that cannot be used', () => {
  for (const [env, sentence] of settings)
    it(Object.values(env).join(', '), () => assert.deepEqual(refusalsOf(env), [sentence, sentence]));
});

const PORTS =
  'collectors take gRPC on port 4317 and http/protobuf on port 4318 (OTEL_EXPORTER_OTLP_PROTOCOL)';
const NO_TLS = 'no TLS is spoken there: the endpoint of a collector without TLS begins with http://';
const CLOSED =
  'the connection was closed without an answer: if TLS is wanted there, the endpoint must begin with https://';
const STRANGER =
  "the collector's certificate is signed by an authority that is not known here: name its file in OTEL_EXPORTER_OTLP_CERTIFICATE";
const CLIENT =
  'the collector wants a certificate of its clients: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY';
const NO_GRPC = `no gRPC is spoken there: ${PORTS}`;
const NO_HTTP = `no HTTP/1 is spoken there: ${PORTS}`;

/** `{port}`, `{signal}` and `{SIGNAL}` stand for what they are; `ca`: the server's authority is given. */
const talks: readonly [protocol: Env, scheme: string, server: string, sentence: string, ca?: 'ca'][] = [
  [GRPC, 'http://', 'HTTP', NO_GRPC],
  [GRPC, 'https://', 'HTTPS', NO_GRPC, 'ca'],
  [HTTP, 'http://', 'gRPC', NO_HTTP],
  [HTTP, 'https://', 'gRPC with TLS', NO_HTTP, 'ca'],
  [GRPC, 'https://', 'gRPC', NO_TLS],
  [HTTP, 'https://', 'HTTP', NO_TLS],
  [
    GRPC,
    '',
    'gRPC',
    'no TLS is spoken there, and over gRPC an endpoint without a scheme has TLS: write http://127.0.0.1:{port}, or set OTEL_EXPORTER_OTLP_INSECURE=true',
  ],
  [GRPC, 'http://', 'HTTP/2', NO_GRPC],
  [HTTP, 'http://', 'Go with TLS', 'TLS is wanted there: the endpoint must begin with https://'],
  [GRPC, 'http://', 'Go with TLS', NO_GRPC],
  [GRPC, 'http://', 'gRPC with TLS', CLOSED],
  [HTTP, 'http://', 'HTTPS', CLOSED],
  [HTTP, 'http://', 'nothing but an end', CLOSED],
  [GRPC, 'https://', 'nothing but an end', 'the connection was closed before TLS was agreed upon'],
  [HTTP, 'https://', 'nothing but an end', 'the connection was closed before TLS was agreed upon'],
  [GRPC, 'https://', 'gRPC with TLS', STRANGER],
  [HTTP, 'https://', 'HTTPS', STRANGER],
  [GRPC, 'https://', 'gRPC with TLS for clients that it knows', CLIENT, 'ca'],
  [HTTP, 'https://', 'HTTPS for clients that it knows', CLIENT, 'ca'],
  [GRPC, 'http://', 'nobody', 'nothing listens at 127.0.0.1:{port} (ECONNREFUSED)'],
  [HTTP, 'http://', 'nobody', 'nothing listens at 127.0.0.1:{port} (ECONNREFUSED)'],
  [
    GRPC,
    'http://',
    'gRPC',
    '12 UNIMPLEMENTED: the server takes no OTLP {signal}: a collector needs a pipeline for them, or set OTEL_{SIGNAL}_EXPORTER=none',
  ],
  [
    HTTP,
    'http://',
    '404',
    'HTTP 404 Not Found from nginx/1.25: nothing takes OTLP {signal} at http://127.0.0.1:{port}/v1/{signal}; is that a collector?',
  ],
  [HTTP, 'http://', '503', 'HTTP 503 Service Unavailable from envoy: no healthy upstream'],
  [HTTP, 'http://', 'a web page', 'HTTP 200 OK with text/html: a web page, not a collector'],
];

describe('what an endpoint answers', { skip: withoutOpenssl }, () => {
  const cleanup = new Cleanup();
  const ports: Record<string, number> = {};
  let files: Files;

  before(async () => {
    files = makeCertificates(cleanup.makeFolder());
    const html = { 'content-type': 'text/html' };
    const unwell = { server: 'envoy', 'content-type': 'text/plain' };
    Object.assign(ports, {
      HTTP: await startHttp(cleanup, answering(200)),
      HTTPS: await startHttps(cleanup, files),
      'HTTPS for clients that it knows': await startHttps(cleanup, files, true),
      gRPC: await startGrpc(cleanup),
      'gRPC with TLS': await startGrpc(cleanup, files),
      'gRPC with TLS for clients that it knows': await startGrpc(cleanup, files, true),
      'nothing but an end': await startClosing(cleanup),
      'HTTP/2': await startHttp2(cleanup),
      'Go with TLS': await startGoWithTls(cleanup),
      nobody: (await holdPort()).port,
      404: await startHttp(cleanup, answering(404, { ...html, server: 'nginx/1.25' }, '<h1>404')),
      503: await startHttp(cleanup, answering(503, unwell, 'no healthy upstream')),
      'a web page': await startHttp(cleanup, answering(200, html, '<h1>Log in')),
    });
  });

  after(() => cleanup.run());

  /** Sends one item of a signal and returns what is said of it, and of which endpoint. */
  async function saidOf(signal: QueuedSignal, env: Env): Promise<{ origin: string; said: string[] }> {
    const other = signal === 'traces' ? 'LOGS' : 'TRACES';
    const only = { OTEL_METRICS_EXPORTER: 'none', [`OTEL_${other}_EXPORTER`]: 'none' };
    const patience = { OTEL_BSP_EXPORT_TIMEOUT: '1', OTEL_BLRP_EXPORT_TIMEOUT: '1' };
    const said: string[] = [];
    const exporters = createExporters(load({ env: { ...only, ...patience, ...env } }), {
      onState: (_, _origin, cause) => said.push(cause),
      onRejected: (_, _items, cause) => said.push(cause),
    });
    if (signal === 'traces') exporters.addSpan(spanOf(1));
    else exporters.addEvent(eventOf(1));
    await exporters.forceFlush();
    assert.equal(exporters.counters()[signal].exported, 0);
    const origin = exporters.origins()[signal] ?? '';
    await exporters.shutdown(0);
    return { origin, said };
  }

  for (const [protocol, scheme, server, sentence, ca] of talks)
    for (const signal of ['traces', 'logs'] as const) {
      const way = `${protocol['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? ''} ${scheme}`;
      it(`${way} to ${server}, ${signal}${ca === undefined ? '' : ', its authority is known'}`, async () => {
        const port = String(ports[server]);
        const { origin, said } = await saidOf(signal, {
          ...protocol,
          [ENDPOINT]: `${scheme}127.0.0.1:${port}`,
          ...(ca !== undefined && { OTEL_EXPORTER_OTLP_CERTIFICATE: files.ca }),
        });
        const expected = sentence
          .replaceAll('{port}', port)
          .replaceAll('{signal}', signal)
          .replaceAll('{SIGNAL}', signal.toUpperCase());
        assert.deepEqual(said, [expected]);
        assert.equal(origin, `${scheme === '' ? 'https://' : scheme}127.0.0.1:${port}`);
      });
    }

  it('HTTP 404 where the path is no collector’s says where theirs is', async () => {
    const { said } = await saidOf('logs', {
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `http://127.0.0.1:${ports['404']}`,
    });
    assert.match(
      said.join(),
      new RegExp(`OTLP logs at http://127.0.0.1:${ports['404']}/; collectors do at /v1/logs$`),
    );
  });

  for (const protocol of [GRPC, HTTP])
    it(`${Object.values(protocol).join()}: a name without an address`, async () => {
      const { said } = await saidOf('logs', { ...protocol, [ENDPOINT]: 'http://collector.invalid:4317' });
      assert.match(said.join(), /^the name collector\.invalid cannot be resolved$/);
    });

  for (const protocol of [GRPC, HTTP])
    it(`${Object.values(protocol).join()}: nobody, at a name that may have several addresses`, async () => {
      const port = String(ports['nobody']);
      const { said } = await saidOf('traces', { ...protocol, [ENDPOINT]: `http://localhost:${port}` });
      assert.match(
        said.join(),
        new RegExp(`^nothing listens at (127\\.0\\.0\\.1|::1|localhost):${port} \\(ECONNREFUSED\\)$`),
      );
    });

  it('a reason in an answer stays, also where it has the words of a connection that failed', async () => {
    const reason = 'upstream: connect ECONNREFUSED 10.1.2.3:4317';
    const port = await startHttp(cleanup, answering(502, { 'content-type': 'text/plain' }, reason));
    const http = await saidOf('logs', { ...HTTP, [ENDPOINT]: `http://127.0.0.1:${port}` });
    assert.deepEqual(http.said, [`HTTP 502 Bad Gateway: ${reason}`]);
    const reply = () => ({ kind: 'error', code: status.UNAVAILABLE, details: reason }) as const;
    const lost = await startHttp(cleanup, answering(404, { 'content-type': 'text/plain' }, 'no tenant blue'));
    const { said } = await saidOf('logs', { ...HTTP, [ENDPOINT]: `http://127.0.0.1:${lost}` });
    assert.match(
      said.join(),
      /^HTTP 404 Not Found: nothing takes .* is that a collector\? \(no tenant blue\)$/,
    );
    const stub = await startOtlpStub({ protocol: 'grpc', reply });
    for (const signal of ['traces', 'logs'] as const) {
      const grpc = await saidOf(signal, { ...GRPC, [ENDPOINT]: stub.url });
      assert.deepEqual(grpc.said, [`14 UNAVAILABLE: ${reason}`]);
    }
  });

  it('no way to an address, in the words of both clients', () => {
    const target = signalTarget('logs', { endpoint: 'http://10.1.2.3:4317' });
    const words = [
      'connect EHOSTUNREACH 10.1.2.3:4317 - Local (10.9.9.9:41000)',
      '14 UNAVAILABLE: No connection established. Last error: Error: connect EHOSTUNREACH 10.1.2.3:4317 - Local (10.9.9.9:41000).',
      'EHOSTUNREACH',
    ];
    assert.equal(explainCause('ECONNREFUSED', target), 'nothing listens at 10.1.2.3:4317 (ECONNREFUSED)');
    for (const cause of words)
      assert.equal(explainCause(cause, target), 'no way leads to 10.1.2.3:4317 (EHOSTUNREACH)');
  });

  for (const protocol of [GRPC, HTTP])
    for (const scheme of ['http', 'https'])
      it(`${Object.values(protocol).join()} ${scheme}: a proxy that refuses, and one that is not there`, async (t) => {
        const variable = `${scheme}_proxy`;
        t.after(() => delete process.env[variable]);
        for (const port of [(await startProxy(cleanup)).port, ports['nobody']]) {
          process.env[variable] = `http://user:password@127.0.0.1:${port}`;
          const { said } = await saidOf('traces', {
            ...protocol,
            [ENDPOINT]: `${scheme}://collector.example`,
          });
          const [line = ''] = said;
          assert.equal(said.length, 1);
          const by = `by the proxy http://127.0.0.1:${port} (${variable}): `;
          assert.ok(line.startsWith(by), line);
          assert.match(
            line.slice(by.length),
            /^no connection came about$|403 Forbidden$|^nothing listens at /,
          );
        }
      });
});
