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
    assert.deepEqual([config.spanQueue.queueSize, config.spanQueue.batchSize], [100, 100]);
    assert.equal(config.eventQueue.queueSize, 8192);
    assert.equal(config.eventQueue.delayMs, 50);
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
    const target = (endpoint: string, insecure: string): [string, boolean] => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_INSECURE: insecure };
      const { traces } = load({ env }).otlp;
      return [traces.endpoint, traces.insecure];
    };
    assert.deepEqual(target('http://a:1', 'false'), ['http://a:1', true]);
    assert.deepEqual(target('https://a:1', 'true'), ['https://a:1', false]);
    assert.deepEqual(target('a:1', 'true'), ['http://a:1', true]);
    assert.deepEqual(target('a:1', 'false'), ['https://a:1', false]);
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
});
