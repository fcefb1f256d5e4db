import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { settleEndpoint } from '../../../receiver/export/options.ts';

test('defaults are those of the OTLP exporter specification', () => {
  const grpc = settleEndpoint({}, 'traces');
  assert.deepEqual(
    [grpc.protocol, grpc.url, grpc.timeoutMs, grpc.compression],
    ['grpc', 'http://localhost:4317', 10_000, 'none'],
  );
  assert.equal(settleEndpoint({ protocol: 'http/protobuf' }, 'logs').url, 'http://localhost:4318/v1/logs');
});

test('HTTP: the general endpoint gets the path of the signal, a signal its own endpoint as it is', () => {
  const options = {
    protocol: 'http/protobuf',
    endpoint: 'https://otlp.example:443/base/',
    signals: { traces: { endpoint: 'http://traces.example:9/here' } },
  } as const;
  assert.equal(settleEndpoint(options, 'metrics').url, 'https://otlp.example/base/v1/metrics');
  assert.equal(settleEndpoint(options, 'traces').url, 'http://traces.example:9/here');
  assert.equal(settleEndpoint(options, 'traces').origin, 'http://traces.example:9');
});

test('gRPC: without a scheme TLS is used, unless insecure', () => {
  assert.equal(settleEndpoint({ endpoint: 'otlp.example:4317' }, 'logs').url, 'https://otlp.example:4317');
  assert.equal(
    settleEndpoint({ endpoint: 'otlp.example:4317', isInsecure: true }, 'logs').url,
    'http://otlp.example:4317',
  );
  assert.equal(settleEndpoint({ endpoint: 'unix:/run/otlp.sock' }, 'logs').origin, 'unix:/run/otlp.sock');
});

test('a signal overrides what it names and inherits the rest', () => {
  const options = {
    headers: { a: '1' },
    timeoutMs: 5,
    compression: 'gzip',
    signals: { logs: { headers: { b: '2' }, protocol: 'http/protobuf' } },
  } as const;
  const logs = settleEndpoint(options, 'logs');
  assert.deepEqual(
    [logs.headers, logs.timeoutMs, logs.compression, logs.protocol],
    [{ b: '2' }, 5, 'gzip', 'http/protobuf'],
  );
  assert.deepEqual(settleEndpoint(options, 'metrics').headers, { a: '1' });
});

test('credentials in the endpoint do not reach messages', () => {
  const { origin } = settleEndpoint({ endpoint: 'http://user:secret@otlp.example:4317' }, 'logs');
  assert.equal(origin, 'http://otlp.example:4317');
});

for (const endpoint of ['localhost 4317', 'ftp://x', 'http://', ':::']) {
  test(`the endpoint "${endpoint}" is refused in one sentence`, () => {
    for (const protocol of ['grpc', 'http/protobuf'] as const) {
      assert.throws(() => createExporters({ protocol, endpoint }), {
        message: 'The OTLP endpoint is not a URL: write it as http://host:port or https://host:port.',
      });
    }
  });
}

test('a certificate file that cannot be read is named', () => {
  assert.throws(() => createExporters({ endpoint: 'https://x:1', caFile: '/nowhere/ca.pem' }), {
    message: 'The OTLP trusted certificates file "/nowhere/ca.pem" does not exist: give a readable PEM file.',
  });
});
