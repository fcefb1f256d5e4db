import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVENTS, METRICS, SPANS } from '../../../semconv/index.ts';
import { load } from './sources.ts';

describe('defaults', () => {
  it('take every signal from the registry', () => {
    const config = load();
    assert.deepEqual(
      [...config.metrics],
      METRICS.map((m) => [m.name, m.defaultOn]),
    );
    assert.deepEqual(
      [...config.events],
      EVENTS.map((e) => [e.name, e.defaultMode]),
    );
    assert.deepEqual(
      [...config.spans],
      SPANS.map((s) => [s.type, s.defaultMode]),
    );
    assert.equal(config.attributes.size, 0);
  });

  it('are those of the design', () => {
    const config = load();
    assert.deepEqual(config.bpf, {
      ringBufferBytes: 4194304,
      costlyVariants: false,
      maxSeries: 16384,
      maxSockets: 262_144,
      maxOwners: 16384,
    });
    assert.equal(config.eventRateLimit, 5);
    assert.deepEqual(config.spanLimits, { rateLimit: 1000, maxPerParent: 20, maxPerTrace: 200 });
    assert.equal(config.seriesLimit, 50_000);
    assert.equal(config.queues.traces.queueSize, 8192);
    assert.equal(config.queues.logs.queueSize, 8192);
    assert.equal(config.shutdownDeadlineMs, 5000);
    assert.deepEqual(config.correlation, {
      http1: true,
      arrivals: true,
      http2: false,
      hook: true,
      threadContext: true,
    });
    assert.equal(config.addresses, 'full');
    assert.equal(config.resourceGranularity, 'auto');
  });

  it('read requests where they are written, where they arrive too, or not at all', () => {
    const correlation = (http1: string) => load({ env: { WIRESPAN_CORRELATION_HTTP1: http1 } }).correlation;
    assert.deepEqual(correlation('clients'), {
      http1: true,
      arrivals: false,
      http2: false,
      hook: true,
      threadContext: true,
    });
    assert.deepEqual(correlation('off'), {
      http1: false,
      arrivals: false,
      http2: false,
      hook: true,
      threadContext: true,
    });
  });

  it('read HTTP/2 when that is asked for', () => {
    assert.equal(load({ env: { WIRESPAN_CORRELATION_HTTP2: 'on' } }).correlation.http2, true);
  });

  it('show the table on a terminal only', () => {
    assert.equal(load().output, 'none');
    assert.equal(load({ isWatched: true }).output, 'table');
    assert.equal(load({ isWatched: true, argv: ['--output', 'json'] }).output, 'json');
    assert.equal(load({ isWatched: true, env: { WIRESPAN_OUTPUT: 'none' } }).output, 'none');
  });
});

describe('a file', () => {
  it('may nest keys and write them with dots', () => {
    const config = load({ fixture: 'good.yaml' });
    assert.equal(config.events.get('wirespan.tcp.connection.close'), 'on');
    assert.equal(config.events.get('wirespan.tcp.retransmit'), 'on');
    assert.equal(config.events.get('wirespan.tcp.reset'), 'off');
    assert.equal(config.eventRateLimit, 0);
    assert.equal(config.metrics.get('wirespan.tcp.state.duration'), true);
    assert.equal(config.bpf.ringBufferBytes, 8 * 2 ** 20);
    assert.deepEqual(
      config.subnets.map((s) => s.text),
      ['10.0.0.0/8', 'fd00::/8'],
    );
    assert.deepEqual(config.filter.exclude, [{ port: 22 }, { command: 'sshd' }]);
    assert.deepEqual(config.otlp.logs.headers, { authorization: 'Bearer hunter2', 'x-tenant': '7' });
    assert.equal(config.shutdownDeadlineMs, 2000);
  });

  it('may be empty', () => assert.deepEqual(load({ fixture: 'empty.yaml' }), load()));

  it('may be named by WIRESPAN_CONFIG, which --config overrides', () => {
    assert.equal(load({ env: { WIRESPAN_CONFIG: 'good.yaml' } }).shutdownDeadlineMs, 2000);
    assert.equal(
      load({ env: { WIRESPAN_CONFIG: 'good.yaml' }, fixture: 'empty.yaml' }).shutdownDeadlineMs,
      5000,
    );
  });
});

describe('precedence', () => {
  const yaml = 'log.level: warn';
  const env = { WIRESPAN_LOG_LEVEL: 'error' };
  const argv = ['--log.level=debug'];

  it('is default, file, environment, flag', () => {
    assert.equal(load().logLevel, 'info');
    assert.equal(load({ yaml }).logLevel, 'warn');
    assert.equal(load({ yaml, env }).logLevel, 'error');
    assert.equal(load({ yaml, env, argv }).logLevel, 'debug');
  });

  it('lets an empty variable count as not set', () =>
    assert.equal(load({ yaml, env: { WIRESPAN_LOG_LEVEL: '' } }).logLevel, 'warn'));

  it('lets the last of equal flags win', () =>
    assert.equal(load({ argv: [...argv, '--log.level', 'fatal'] }).logLevel, 'fatal'));
});

describe('switches', () => {
  it('of every signal are reachable by the environment', () => {
    const env = Object.fromEntries(
      [...METRICS, ...EVENTS, ...SPANS].map((s) => [
        `WIRESPAN_${s.switch.replaceAll('.', '_').toUpperCase()}`,
        'off',
      ]),
    );
    const config = load({ env });
    assert.deepEqual(new Set(config.metrics.values()), new Set([false]));
    assert.deepEqual(new Set(config.events.values()), new Set(['off']));
    assert.deepEqual(new Set(config.spans.values()), new Set(['off']));
  });

  it('of opt-in attributes use the name, ours without the root', () => {
    const env = { WIRESPAN_ATTRIBUTES_NETWORK_PEER_ADDRESS: 'on' };
    const config = load({ env, argv: ['--attributes.peer.cidr', 'true'] });
    assert.deepEqual(config.attributes, new Set(['network.peer.address', 'wirespan.peer.cidr']));
  });
});

describe('the configuration', () => {
  it('cannot be changed', () => {
    const config = load({ fixture: 'good.yaml' });
    assert.throws(() => Object.assign(config, { addresses: 'none' }), TypeError);
    assert.throws(() => Object.assign(config.otlp.traces.headers, { a: 'b' }), TypeError);
    assert.throws(() => Object.assign(config.filter.exclude[0] ?? {}, { port: 1 }), TypeError);
    assert.throws(() => (config.metrics as Map<string, boolean>).set('a', true), TypeError);
    assert.throws(() => (config.attributes as Set<string>).add('a'), TypeError);
  });

  it('does not share state between loads', () => {
    load({ fixture: 'good.yaml' });
    assert.deepEqual(load().subnets, []);
  });
});
