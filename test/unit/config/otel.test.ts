import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OTEL_VARIABLES } from '../../../config/otel.ts';
import { SCHEMA } from '../../../config/schema.ts';
import { load, messageOf } from './sources.ts';

describe('standard variables', () => {
  it('all set a known key', () => {
    for (const [variable, key] of OTEL_VARIABLES) assert.ok(SCHEMA.has(key), `${variable} sets ${key}`);
  });

  it('have their standard meaning', () => {
    const config = load({
      env: {
        OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_EXPORTER_OTLP_CERTIFICATE: '/etc/ca.pem',
        OTEL_METRIC_EXPORT_INTERVAL: '1000',
        OTEL_METRIC_EXPORT_TIMEOUT: '900',
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'DELTA',
        OTEL_BSP_MAX_QUEUE_SIZE: '100',
        OTEL_BLRP_SCHEDULE_DELAY: '50',
      },
    });
    assert.equal(config.otlp.logs.timeoutMs, 2500);
    assert.equal(config.otlp.logs.compression, 'gzip');
    assert.equal(config.otlp.logs.certificate, '/etc/ca.pem');
    assert.deepEqual(config.metricExport, { intervalMs: 1000, timeoutMs: 900 });
    assert.equal(config.temporality, 'delta');
    assert.deepEqual([config.queues.traces.queueSize, config.queues.traces.batchSize], [100, 100]);
    assert.equal(config.queues.logs.queueSize, 8192);
    assert.equal(config.queues.logs.delayMs, 50);
  });

  it('switch a signal off and on', () => {
    const { otlp } = load({ env: { OTEL_TRACES_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'OTLP' } });
    assert.deepEqual([otlp.traces.enabled, otlp.logs.enabled, otlp.metrics.enabled], [false, true, true]);
    for (const signal of ['traces', 'metrics', 'logs'] as const) {
      const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`;
      assert.equal(load({ env: { [variable]: 'none' } }).otlp[signal].enabled, false);
      for (const value of ['console', 'otlp,console', 'prometheus', 'off']) {
        assert.equal(
          messageOf({ env: { [variable]: value } }).split('\n')[0],
          `otlp.${signal}.exporter (variable ${variable}): "${value}" must be otlp or none: there is no other exporter`,
        );
      }
    }
    const env = { OTEL_METRICS_EXPORTER: 'none', WIRESPAN_OTLP_METRICS_EXPORTER: 'otlp' };
    assert.equal(load({ env }).otlp.metrics.enabled, true);
  });

  it('yield to our own for the same key', () => {
    const env = { WIRESPAN_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
    assert.equal(load({ env }).otlp.traces.protocol, 'grpc');
  });

  it('name the variable when they are wrong', () => {
    const message = messageOf({ env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' } });
    assert.match(message, /variable OTEL_EXPORTER_OTLP_PROTOCOL/);
    assert.match(message, /grpc or http\/protobuf/);
    assert.match(
      messageOf({ env: { OTEL_METRIC_EXPORT_INTERVAL: 'soon' } }),
      /variable OTEL_METRIC_EXPORT_INTERVAL.*"soon"/,
    );
  });

  it('leave variables of other programs alone', () =>
    assert.doesNotThrow(() => load({ env: { OTEL_TRACES_SAMPLER: 'x' } })));
});

describe('the agent', () => {
  it('takes service.name from OTEL_SERVICE_NAME, then from the resource attributes', () => {
    const attributes = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a%20b,team=net' };
    assert.deepEqual(load({ env: attributes }).agent, {
      serviceName: 'a b',
      resourceAttributes: { team: 'net' },
    });
    assert.equal(load({ env: { ...attributes, OTEL_SERVICE_NAME: 'c' } }).agent.serviceName, 'c');
    assert.equal(load().agent.serviceName, 'wirespan');
  });
});

describe('endpoints', () => {
  const endpoints = (env: Record<string, string>): string[] => {
    const { traces, metrics, logs } = load({ env }).otlp;
    return [traces.endpoint, metrics.endpoint, logs.endpoint];
  };

  it('default to the local collector of the protocol', () => {
    assert.equal(endpoints({})[0], 'http://localhost:4317');
    assert.deepEqual(endpoints({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }), [
      'http://localhost:4318/v1/traces',
      'http://localhost:4318/v1/metrics',
      'http://localhost:4318/v1/logs',
    ]);
  });

  it('of one signal are used as they are, that of all gets the path', () => {
    const env = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c.example/base/',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://l.example/in',
    };
    assert.deepEqual(endpoints(env), [
      'https://c.example/base/v1/traces',
      'https://c.example/base/v1/metrics',
      'http://l.example/in',
    ]);
  });

  it('decide on TLS by their scheme, else by insecure', () => {
    const target = (endpoint: string, insecure: string): string => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_INSECURE: insecure };
      return load({ env }).otlp.traces.endpoint;
    };
    assert.equal(target('http://a:1', 'false'), 'http://a:1');
    assert.equal(target('https://a:1', 'true'), 'https://a:1');
    assert.equal(target('a:1', 'true'), 'http://a:1');
    assert.equal(target('a:1', 'false'), 'https://a:1');
  });

  it('without a scheme are refused for http/protobuf', () => {
    const env = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
    };
    assert.match(
      messageOf({ env }),
      /^otlp.endpoint \(variable OTEL_EXPORTER_OTLP_ENDPOINT\): must begin with http/,
    );
  });

  it('of a signal inherit headers and override them', () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=3' };
    const { traces, logs } = load({ env }).otlp;
    assert.deepEqual(traces.headers, { a: '1', b: '3' });
    assert.deepEqual(logs.headers, { a: '1', b: '2' });
  });

  it('that are no URL are refused in one sentence, for each protocol', () => {
    for (const endpoint of ['localhost 4317', 'ftp://x', 'http://', ':::']) {
      for (const protocol of ['grpc', 'http/protobuf']) {
        const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
        assert.match(
          messageOf({ env }),
          /^otlp.endpoint \(variable OTEL_EXPORTER_OTLP_ENDPOINT\): .*must be.*$/,
        );
      }
    }
  });
});

describe('one signal', () => {
  it('has all that is set for all, but what it overrides', () => {
    const { metrics, traces, logs } = load({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example:4317',
        OTEL_EXPORTER_OTLP_HEADERS: 'tenant=blue',
        OTEL_EXPORTER_OTLP_TIMEOUT: '1500',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_EXPORTER_OTLP_CERTIFICATE: '/etc/ssl/ca.pem',
        OTEL_EXPORTER_OTLP_CLIENT_KEY: '/etc/ssl/client.key',
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/etc/ssl/client.pem',
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://logs.example:4318/v1/logs',
        OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/protobuf',
      },
    }).otlp;
    const general = {
      enabled: true,
      protocol: 'grpc',
      endpoint: 'https://collector.example:4317',
      headers: { tenant: 'blue' },
      timeoutMs: 1500,
      compression: 'gzip',
      certificate: '/etc/ssl/ca.pem',
      clientKey: '/etc/ssl/client.key',
      clientCertificate: '/etc/ssl/client.pem',
    };
    assert.deepEqual(metrics, general);
    assert.deepEqual(traces, general);
    const own = { protocol: 'http/protobuf', endpoint: 'http://logs.example:4318/v1/logs' };
    assert.deepEqual(logs, { ...general, ...own });
  });

  it('has the defaults of the OTLP specification, and names no file where none is set', () => {
    const target = {
      enabled: true,
      protocol: 'grpc',
      endpoint: 'http://localhost:4317',
      headers: {},
      timeoutMs: 10_000,
      compression: 'none',
    };
    assert.deepEqual(load().otlp, { metrics: target, traces: target, logs: target });
  });

  it('has a queue of its own', () => {
    const { queues } = load({
      env: {
        OTEL_BSP_MAX_QUEUE_SIZE: '100',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
        OTEL_BSP_SCHEDULE_DELAY: '70',
        OTEL_BSP_EXPORT_TIMEOUT: '700',
        OTEL_BLRP_MAX_QUEUE_SIZE: '200',
        OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '20',
        OTEL_BLRP_SCHEDULE_DELAY: '80',
        OTEL_BLRP_EXPORT_TIMEOUT: '800',
      },
    });
    assert.deepEqual(queues, {
      traces: { queueSize: 100, batchSize: 10, delayMs: 70, timeoutMs: 700 },
      logs: { queueSize: 200, batchSize: 20, delayMs: 80, timeoutMs: 800 },
    });
  });
});
