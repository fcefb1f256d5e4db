/** Which endpoint is reached by a proxy, the same over both protocols, and at the port that was written. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import type { OtlpProtocol } from '../../../receiver/export/options.ts';
import { wayTo } from '../../../receiver/export/proxy.ts';
import { makeCertificates, withoutOpenssl } from '../../support/certificates.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { exportSettings, type ExportGiven } from '../../support/export-settings.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { counter, workload } from '../aggregate/descriptors.ts';
import { startProxy } from './endpoint-servers.ts';
import { eventOf, spanOf } from '../../support/items.ts';

const PROTOCOLS = ['grpc', 'http/protobuf'] as const;
const P = 'http://proxy:3128';
const Q = 'http://other:3128';
const PLAIN = 'http://collector.example:4317';
const TLS = 'https://collector.example:4317';

type Env = Readonly<Record<string, string>>;

/** `way`: the variable of the proxy that is used, or why none is; '' where none is set. */
const ways: readonly [endpoint: string, env: Env, way: string][] = [
  [PLAIN, {}, ''],
  [PLAIN, { http_proxy: P }, 'http_proxy'],
  [PLAIN, { HTTP_PROXY: P }, 'HTTP_PROXY'],
  [PLAIN, { http_proxy: P, HTTP_PROXY: Q }, 'http_proxy'],
  [PLAIN, { http_proxy: '', HTTP_PROXY: P }, 'HTTP_PROXY'],
  [PLAIN, { https_proxy: P }, ''],
  [TLS, { https_proxy: P }, 'https_proxy'],
  [TLS, { HTTPS_PROXY: P }, 'HTTPS_PROXY'],
  [TLS, { http_proxy: P }, ''],
  [TLS, { http_proxy: Q, https_proxy: P }, 'https_proxy'],
  ...[
    'localhost:4317',
    'LOCALHOST',
    'localhost.:1',
    'a.localhost',
    '127.0.0.1:4317',
    '127.9.9.9',
    '0.0.0.0:1',
    '[::1]:4317',
    '[::]:1',
    '[::ffff:127.0.0.1]',
    // As URLs write it: one number.
    '2130706433:80',
  ].map((host): [string, Env, string] => [`http://${host}`, { http_proxy: P }, 'loopback']),
  ['http://localhost.example', { http_proxy: P }, 'http_proxy'],
  ['http://notlocalhost', { http_proxy: P }, 'http_proxy'],
  ...[
    '*',
    'collector.example',
    'COLLECTOR.example',
    '.example',
    '*.example',
    'example',
    'a, collector.example',
    'a collector.example:4317',
  ].map((except): [string, Env, string] => [PLAIN, { http_proxy: P, no_proxy: except }, 'no_proxy']),
  [PLAIN, { http_proxy: P, NO_PROXY: '*' }, 'NO_PROXY'],
  ...[
    '',
    ',',
    '.',
    'xample',
    'ollector.example',
    'collector.example:80',
    'a.collector.example',
    '10.0.0.0/8',
  ].map((except): [string, Env, string] => [PLAIN, { http_proxy: P, no_proxy: except }, 'http_proxy']),
  ['http://collector.example', { http_proxy: P, no_proxy: 'collector.example:80' }, 'no_proxy'],
  ['http://10.1.2.3:4317', { http_proxy: P, no_proxy: '10.0.0.0/8' }, 'no_proxy'],
  ['http://10.1.2.3:4317', { http_proxy: P, no_proxy: '10.1.2.3' }, 'no_proxy'],
  ['http://11.1.2.3:4317', { http_proxy: P, no_proxy: '10.0.0.0/8' }, 'http_proxy'],
  ['http://[fd00::1]:4317', { http_proxy: P, no_proxy: 'fd00::/8' }, 'no_proxy'],
  ['http://[fd00::1]:4317', { http_proxy: P, no_proxy: '[fd00::1]:4317' }, 'no_proxy'],
  ['http://[fd00::1]:4317', { http_proxy: P, no_proxy: 'fd00::1' }, 'no_proxy'],
  ['http://10.1.2.3:4317', { http_proxy: P, no_proxy: '10.0.0.0/99 x/8 999.0.0.0/8' }, 'http_proxy'],
];

function wayOf(endpoint: string, protocol: OtlpProtocol, env: Env): string {
  const { proxy, bypass } = wayTo({ endpoint, protocol }, env);
  if (proxy !== undefined) assert.equal(proxy.origin, P);
  return proxy?.variable ?? bypass ?? '';
}

describe('the way to an endpoint', () => {
  for (const [endpoint, env, way] of ways)
    it(`${endpoint} with ${JSON.stringify(env)}: ${way === '' ? 'no proxy is set for it' : way}`, () => {
      for (const protocol of PROTOCOLS) assert.equal(wayOf(endpoint, protocol, env), way, protocol);
    });

  it('grpc_proxy comes first, and is for gRPC alone', () => {
    for (const endpoint of [PLAIN, TLS])
      for (const name of ['grpc_proxy', 'GRPC_PROXY']) {
        assert.equal(wayOf(endpoint, 'grpc', { [name]: P, http_proxy: Q, https_proxy: Q }), name);
        assert.equal(wayOf(endpoint, 'http/protobuf', { [name]: Q }), '');
      }
  });
});

/** Sets variables of this process for a test. */
function setVariables(t: TestContext, env: Env): void {
  for (const [name, value] of Object.entries(env)) {
    t.after(() => delete process.env[name]);
    process.env[name] = value;
  }
}

/** Sends one item of each signal and returns what is said when one does not arrive. */
async function sendAll(given: ExportGiven): Promise<string[]> {
  const said: string[] = [];
  const exporters = createExporters(exportSettings(given), {
    onState: (_, __, cause) => said.push(cause),
    onRejected: (_, __, cause) => said.push(cause),
    onLibrary: (line) => said.push(line),
  });
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs: 0n });
  store.add(counter, workload('a'), {}, 1);
  exporters.addSpan(spanOf(1));
  exporters.addEvent(eventOf(1));
  await Promise.all([
    exporters.metrics?.export(store.collect(1n), performance.now() + 30_000),
    exporters.forceFlush(),
  ]);
  await exporters.shutdown(1000);
  return said;
}

const names = ['http_proxy', 'https_proxy', 'grpc_proxy'].flatMap((name) => [name, name.toUpperCase()]);

for (const protocol of PROTOCOLS)
  describe(`over ${protocol}`, () => {
    it('a collector on the loopback is reached whatever proxy is set', async (t) => {
      const cleanup = new Cleanup();
      t.after(() => cleanup.run());
      const proxy = await startProxy(cleanup);
      const env = Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${proxy.port}`]));
      setVariables(t, env);
      const stub = await startOtlpStub({ protocol });
      assert.deepEqual(await sendAll({ protocol, endpoint: stub.url }), []);
      assert.deepEqual(proxy.asked, []);
      assert.deepEqual(stub.requests.map(({ signal, taken }) => [signal, taken]).sort(), [
        ['logs', true],
        ['metrics', true],
        ['traces', true],
      ]);
      for (const [name, value] of Object.entries(env)) assert.equal(process.env[name], value);
      await stub.stop();
    });

    it('the proxy is asked for the name and the port that were written, with its own credentials', async (t) => {
      const cleanup = new Cleanup();
      t.after(() => cleanup.run());
      const stub = await startOtlpStub({ protocol });
      const proxy = await startProxy(cleanup, stub.port);
      setVariables(t, { HTTP_PROXY: `http://user:p%40ss@127.0.0.1:${proxy.port}`, no_proxy: 'elsewhere' });
      assert.deepEqual(await sendAll({ protocol, endpoint: 'http://collector.example:80' }), []);
      const credentials = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
      const signals = ['logs', 'metrics', 'traces'];
      const asked =
        protocol === 'grpc'
          ? signals.map(() => 'CONNECT collector.example:80')
          : signals.map((signal) => `POST http://collector.example/v1/${signal}`);
      assert.deepEqual(
        proxy.asked.toSorted((a, b) => a.what.localeCompare(b.what)),
        asked.map((what) => ({ what, credentials })),
      );
      assert.equal(process.env['no_proxy'], 'elsewhere');
      if (protocol === 'grpc') assert.equal(stub.requests.length, 3);
      await stub.stop();
    });

    it('TLS goes through it to the collector itself', { skip: withoutOpenssl }, async (t) => {
      const cleanup = new Cleanup();
      t.after(() => cleanup.run());
      const { ca, cert, key } = makeCertificates(cleanup.makeFolder(), 'DNS:collector.example');
      const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
      const stub = await startOtlpStub({ protocol, tls });
      const proxy = await startProxy(cleanup, stub.port);
      setVariables(t, { https_proxy: `http://127.0.0.1:${proxy.port}` });
      const files = { certificate: ca, clientCertificate: cert, clientKey: key };
      assert.deepEqual(await sendAll({ protocol, endpoint: 'https://collector.example', ...files }), []);
      assert.deepEqual(
        new Set(proxy.asked.map(({ what }) => what)),
        new Set(['CONNECT collector.example:443']),
      );
      assert.equal(stub.requests.filter(({ taken }) => taken).length, 3);
      await stub.stop();
    });
  });
