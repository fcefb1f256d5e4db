import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ConfigError, dumpConfig, loadConfig } from '../../config/index.ts';
import { parseArguments } from '../../receiver/cli/args.ts';
import { createLog } from '../../receiver/cli/log.ts';
import { EndpointError } from '../../receiver/export/endpoint-error.ts';
import { createExporters } from '../../receiver/export/exporters.ts';
import { kernelOptionsOf } from '../../receiver/settings/kernel.ts';
import { Reloader } from '../../receiver/agent/reload.ts';
import { sourcesOf, type Given } from './config/sources.ts';
import { startOtlpStub } from '../support/otlp-stub.ts';
import { exportSettings, type ExportGiven } from '../support/export-settings.ts';
import { eventOf, spanOf } from '../support/items.ts';

/** What must be found nowhere; one word, so that no part of it is found either. */
const SECRET = 'hunter2hunter2';

/** All that the agent would say and send about itself for these settings, up to its start. */
function saidFor(given: Given, words: readonly string[] = ['check-config']): string {
  const said: string[] = [];
  const sources = sourcesOf(given);
  const steps = [
    () => void parseArguments([...words, ...sources.argv]),
    () => void said.push(dumpConfig(sources)),
    () => {
      const exporters = createExporters(loadConfig(sources));
      said.push(JSON.stringify(exporters.origins()));
      void exporters.shutdown(0);
    },
  ];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      assert.ok(error instanceof ConfigError || error instanceof EndpointError, String(error));
      assert.doesNotMatch(String(error.stack), new RegExp(SECRET));
      said.push(error.message);
    }
  }
  return said.join('\n');
}

const S = SECRET;
const HTTP = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
const KEY = `-----BEGIN PRIVATE KEY-----\n${S}\n-----END PRIVATE KEY-----`;

const ways: Readonly<Record<string, Given & { words?: string[] }>> = {
  'the password of an endpoint': { env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://u:${S}@127.0.0.1:9` } },
  'the user of an endpoint': { env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${S}@127.0.0.1:9` } },
  'an endpoint of gRPC without a scheme': { env: { OTEL_EXPORTER_OTLP_ENDPOINT: `u:${S}@127.0.0.1:9` } },
  "a signal's endpoint": { env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `https://u:${S}@127.0.0.1:9/x` } },
  'an endpoint given as a time': {
    env: { OTEL_METRIC_EXPORT_INTERVAL: `http://u:${S}@127.0.0.1:4317` },
  },
  'the query of an endpoint': {
    env: { ...HTTP, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://127.0.0.1:9/v1/metrics?api_key=${S}` },
  },
  'the fragment of an endpoint': { argv: [`--otlp.logs.endpoint=http://127.0.0.1:9/#${S}`] },
  'the path of an endpoint': { env: { ...HTTP, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:9/${S}` } },
  'an endpoint in the file': { yaml: `otlp: {endpoint: "http://u:${S}@127.0.0.1:9"}` },
  'our own variable': { env: { WIRESPAN_OTLP_ENDPOINT: `http://u:${S}@127.0.0.1:9` } },
  'an endpoint that is no URL': { env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://u:${S}@` } },
  'an endpoint with a port that cannot be': { argv: ['--otlp.endpoint', `http://u:${S}@h:99999`] },
  'an endpoint with a scheme that cannot be': { argv: ['--otlp.endpoint', `ftp://u:${S}@h`] },
  'an endpoint without a port': { argv: ['--otlp.endpoint', `u:${S}@h`] },
  'an endpoint of HTTP without a scheme': {
    env: { ...HTTP, OTEL_EXPORTER_OTLP_ENDPOINT: `u:${S}@127.0.0.1:9` },
  },
  'an endpoint that is a list': { yaml: `otlp: {endpoint: ["http://u:${S}@h:1"]}` },
  'an endpoint that is a map': { yaml: `otlp: {endpoint: {"http://u:${S}@h:1": }}` },
  headers: { env: { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${S}` } },
  "a signal's headers": { env: { OTEL_EXPORTER_OTLP_LOGS_HEADERS: `x-key=${S}` } },
  'headers in the file': { yaml: `otlp: {headers: {authorization: "Bearer ${S}"}}` },
  'headers without =': { env: { OTEL_EXPORTER_OTLP_HEADERS: S } },
  'headers with a lone %': { env: { OTEL_EXPORTER_OTLP_HEADERS: `x-key=${S}%` } },
  'headers with : for =': { env: { OTEL_EXPORTER_OTLP_HEADERS: `authorization: Bearer ${S}` } },
  'headers with a bad name': { argv: ['--otlp.headers', `authorization Bearer ${S}=x`] },
  'headers that are a list': { yaml: `otlp: {headers: ["authorization=${S}"]}` },
  'headers that are a list of lists': { yaml: `otlp: {headers: [[x-key, [${S}]]]}` },
  'a header without a value': { yaml: `otlp: {headers: {"authorization=${S}": }}` },
  'a header that cannot be sent': { env: { OTEL_EXPORTER_OTLP_HEADERS: `x-key=${S}%E2%82%AC` } },
  'a header that cannot be sent, over HTTP': {
    env: { ...HTTP, OTEL_EXPORTER_OTLP_HEADERS: `x-key=${S}%E2%82%AC` },
  },
  'a header cut in two by the shell': { argv: [], words: ['run', '--otlp.headers', 'a=Bearer', S] },
  'a word in place of a command': { words: [`http://u:${S}@h`] },
  'a URL in place of a flag': { argv: [`--http://u:${S}@h:1`] },
  'a flag with one dash': { argv: [`-http://u:${S}@h:1`] },
  'a value under a wrong flag': { argv: [`--otlp.hedaers=authorization=${S}`] },
  'a wrong variable': { env: { WIRESPAN_OTLP_HEDAERS: `authorization=${S}` } },
  'a key of the file that is a URL': { yaml: `otlp: {"http://u:${S}@h:1": 1}` },
  'text that is no YAML': { yaml: `otlp:\n  headers: {authorization: "Bearer ${S}\n` },
  'two keys on one line': { yaml: `otlp:\n  headers: authorization: Bearer ${S}\n` },
  'an alias without an anchor': { yaml: `otlp: {headers: {authorization: *${S}}}` },
  'a tag that is not known': { yaml: `otlp: {headers: {authorization: !${S} x}}` },
  'a key twice': { yaml: `otlp: {headers: {"${S}": 1, "${S}": 2}}` },
  'a document that is no map': { yaml: `authorization=Bearer ${S}` },
  'a private key in place of its file': { env: { OTEL_EXPORTER_OTLP_CLIENT_KEY: KEY } },
  'settings in place of their file': { argv: ['--config', `otlp:\n  headers: {a: ${S}}\n`] },
  'resource attributes without =': { env: { OTEL_RESOURCE_ATTRIBUTES: `team=a,${S}` } },
};

describe('a secret is shown by no message, no dump and no origin, given as', () => {
  for (const [way, { words, ...given }] of Object.entries(ways)) {
    it(way, async () => {
      const warnings: string[] = [];
      const note = (warning: Error): void => void warnings.push(String(warning.stack));
      process.on('warning', note);
      const said = saidFor(given, words);
      // Node tells of warnings in a later turn.
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', note);
      assert.ok(said.length > 0);
      assert.doesNotMatch(said + warnings.join(''), new RegExp(SECRET));
    });
  }

  it('a proxy that cannot be used', (t) => {
    t.after(() => delete process.env['http_proxy']);
    for (const proxy of [`http://u:${S}%@p:1`, `socks://u:${S}@p:1`, `u:${S}@p`]) {
      process.env['http_proxy'] = proxy;
      const said = saidFor({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.example:9' } });
      assert.match(said, /^The proxy in the variable http_proxy/m);
      assert.doesNotMatch(said, new RegExp(SECRET));
    }
  });
});

describe('settings that are read again', () => {
  it('show no secret in the log, whether they can be used or not', () => {
    const lines: string[] = [];
    const log = createLog({
      level: 'info',
      isTerminal: false,
      stream: { write: (line) => lines.push(line) },
    });
    const loaded = (given: Given) => {
      const sources = sourcesOf(given);
      const values = new Map([['otlp.endpoint', given.yaml]]);
      return { config: loadConfig(sources), values };
    };
    const next: Given[] = [
      { yaml: `otlp: {endpoint: "http://u:${S}@h:1"}` },
      { yaml: `otlp: {endpoint: "http://u:${S}@"}` },
      { yaml: `otlp: {headers: ["${S}"]` },
    ];
    const running = loaded({});
    const reloader = new Reloader({
      running,
      started: kernelOptionsOf(running.config),
      load: () => loaded(next.shift() ?? {}),
      apply: () => undefined,
      log: {
        info: (message) => log.info(message),
        warn: (message) => log.warn(message),
        error: (message) => log.error(message),
      },
    });
    for (let i = 0; i < 3; i += 1) reloader.reload();
    assert.equal(lines.length, 4, lines.join(''));
    assert.doesNotMatch(lines.join(''), new RegExp(SECRET));
  });
});

describe('a collector that repeats what it was sent', () => {
  /** What listeners are told while one item of each kind is refused. */
  async function toldBy(given: ExportGiven): Promise<string> {
    const told: string[] = [];
    const queues = { traces: { timeoutMs: 1 }, logs: { timeoutMs: 1 } };
    const exporters = createExporters(
      exportSettings({ retry: { initialMs: 1, maxMs: 2 }, queues, ...given }),
      {
        onState: (...said) => told.push(said.join(' ')),
        onRejected: (...said) => told.push(said.join(' ')),
      },
    );
    exporters.addSpan(spanOf(1));
    exporters.addEvent(eventOf(1));
    await exporters.forceFlush();
    await exporters.shutdown(1000);
    assert.ok(told.length > 0);
    return told.join('\n');
  }

  for (const code of [401, 503]) {
    it(`HTTP ${code}: its words are told without the secrets`, async (t) => {
      const server = createServer((request, response) => {
        const { authorization = '', 'x-key': key = '' } = request.headers;
        const sent = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
        response.writeHead(code, `no ${sent} ${authorization} ${String(key)} ${request.url ?? ''}`).end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close().closeAllConnections());
      const { port } = server.address() as AddressInfo;
      const told = await toldBy({
        protocol: 'http/protobuf',
        endpoint: `http://user:${S}@127.0.0.1:${port}/${S}?key=${S}`,
        headers: { 'x-key': S },
      });
      assert.match(told, new RegExp(`HTTP ${code} no .*\\[hidden\\]`));
      assert.doesNotMatch(told, new RegExp(`${SECRET}|${Buffer.from(`user:${S}`).toString('base64')}`));
    });
  }

  for (const code of [status.UNAUTHENTICATED, status.UNAVAILABLE]) {
    it(`gRPC ${code}: its words are told without the secrets`, async () => {
      const reply = () => ({ kind: 'error', code, details: `no ${SECRET}` }) as const;
      const stub = await startOtlpStub({ protocol: 'grpc', reply });
      const told = await toldBy({ endpoint: stub.url, headers: { authorization: `Bearer ${SECRET}` } });
      assert.match(told, /no \[hidden\]/);
      assert.doesNotMatch(told, new RegExp(SECRET));
    });
  }

  for (const protocol of ['grpc', 'http/protobuf'] as const) {
    it(`${protocol}: a partial success is told without the secrets`, async () => {
      const reply = () => ({ kind: 'ok', rejected: 1, message: `no ${SECRET}` }) as const;
      const stub = await startOtlpStub({ protocol, reply });
      const told = await toldBy({ protocol, endpoint: stub.url, headers: { 'x-key': SECRET } });
      assert.match(told, /no \[hidden\]/);
      assert.doesNotMatch(told, new RegExp(SECRET));
    });
  }
});
