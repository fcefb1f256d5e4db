import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../../config/index.ts';
import { load, messageOf } from './sources.ts';

describe('a bad file', () => {
  const sins: Readonly<Record<string, RegExp>> = {
    'misspelt-key.yaml':
      /^events\.tcp\.conection \(file misspelt-key\.yaml, line 3\): is no setting; the nearest is events\.tcp\.connection\.close$/,
    'group-as-value.yaml':
      /^events\.tcp\.connection \(file .*, line 2\): is a group of settings.*such as events\.tcp\.connection\./,
    'given-twice.yaml': /^log\.level \(file .*, line 3\): is given twice$/,
    'no-value.yaml': /^log\.level \(file .*, line 2\): has no value/,
    'value-as-group.yaml': /^addresses \(file .*, line 1\): is one value .*, not a group of keys$/,
    'not-yaml.yaml': /^configuration file not-yaml\.yaml: is not valid YAML at line \d+, column \d+: /,
    'not-a-map.yaml': /^configuration file .*: must be a map of settings$/,
    'odd-size.yaml':
      /^bpf\.ring_buffer_size \(file .*, line 2\): 5000 must be a power of two from 4KiB .*the nearest is 4KiB$/,
    'without-group.yaml':
      /^ring_buffer_size \(file .*\): is no setting; the nearest is bpf\.ring_buffer_size$/,
    'cycle.yaml': /^events\.tcp\.tcp \(file .*\): is no setting/,
    'no-such-file.yaml': /^configuration file no-such-file\.yaml: does not exist$/,
  };
  for (const [fixture, expected] of Object.entries(sins)) {
    it(fixture, () => assert.match(messageOf({ fixture }), expected));
  }

  it('cannot reach a prototype', () => {
    assert.match(messageOf({ fixture: 'prototype.yaml' }), /^__proto__ .*is no setting/);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });
});

describe('a bad variable', () => {
  it('of an endpoint with a slash too few', () => {
    for (const given of ['http:/c:4317', 'https:/c:4317', 'http:\\\\c:4317', 'c/x:4317', 'c?x:4317'])
      assert.match(messageOf({ argv: [`--otlp.endpoint=${given}`] }), /the value must be a URL such as/);
  });

  it('is named with the nearest one', () => {
    assert.equal(
      messageOf({ env: { WIRESPAN_EVENTS_TCP_CONECTION_CLOSE: 'on' } }),
      'variable WIRESPAN_EVENTS_TCP_CONECTION_CLOSE: is no setting; the nearest is WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE',
    );
  });

  it('is told from those that Kubernetes makes for a Service called wirespan', () => {
    const links = {
      WIRESPAN_SERVICE_HOST: '10.0.0.1',
      WIRESPAN_SERVICE_PORT: '4317',
      WIRESPAN_SERVICE_PORT_OTLP_GRPC: '4317',
      WIRESPAN_PORT: 'tcp://10.0.0.1:4317',
      WIRESPAN_PORT_4317_TCP: 'tcp://10.0.0.1:4317',
      WIRESPAN_PORT_4317_TCP_PROTO: 'tcp',
      WIRESPAN_PORT_4317_TCP_PORT: '4317',
      WIRESPAN_PORT_4317_TCP_ADDR: '10.0.0.1',
    };
    assert.deepEqual(load({ env: links }), load());
    assert.match(
      messageOf({ env: { WIRESPAN_OTLP_PORT: '4317' } }),
      /^variable WIRESPAN_OTLP_PORT: is no setting/,
    );
  });

  it('is an error even where a flag overrides it', () => {
    assert.match(
      messageOf({ env: { WIRESPAN_LOG_LEVEL: 'loud' }, argv: ['--log.level=info'] }),
      /variable WIRESPAN_LOG_LEVEL.*"loud"/,
    );
  });
});

describe('a bad flag', () => {
  it('is named with the nearest one', () =>
    assert.equal(
      messageOf({ argv: ['--log.lvel', 'info'] }),
      'flag --log.lvel: is no flag; the nearest is --log.level',
    ));
  it('needs a value', () => {
    for (const argv of [
      ['--log.level'],
      ['--log.level='],
      ['--log.level', '--output', 'none'],
      ['--config'],
    ]) {
      assert.match(messageOf({ argv }), /^flag --(log\.level|config): needs a value$/);
    }
  });
  it('is no word', () =>
    assert.match(messageOf({ argv: ['-x'] }), /^-x: is no flag; flags are --key\.path value/));
});

describe('a bad value', () => {
  it('is answered with the words that are allowed and the nearest', () =>
    assert.match(
      messageOf({ argv: ['--events.tcp.retransmit', 'corelated'] }),
      /"corelated" must be one of on, correlated, off; the nearest is correlated$/,
    ));
  it('is cut and stays on one line', () => {
    const message = messageOf({ env: { WIRESPAN_ADDRESSES: `a\nb${'x'.repeat(500)}` } });
    assert.ok(!message.includes('\n') && message.length < 200, message);
  });
  it('that is secret is not repeated', () => {
    assert.doesNotMatch(messageOf({ fixture: 'bad-secret.yaml' }), /hunter2/);
    assert.doesNotMatch(messageOf({ env: { OTEL_EXPORTER_OTLP_HEADERS: 'hunter2' } }), /hunter2/);
  });
  it('of mutual TLS needs its counterpart', () => {
    assert.match(
      messageOf({ argv: ['--otlp.client_key', 'k'] }),
      /^otlp\.client_key \(flag .*\): needs client_certificate too$/,
    );
    assert.match(
      messageOf({ argv: ['--otlp.logs.client_certificate', 'c'] }),
      /^otlp\.logs\.client_certificate .*: needs client_key too$/,
    );
  });
  it('of a batch must fit its queue', () => {
    const argv = ['--export.spans.queue_size', '10', '--export.spans.batch_size', '11'];
    assert.match(messageOf({ argv }), /^export\.spans\.batch_size .*at most the size of its queue, 10$/);
  });
});

describe('ConfigError', () => {
  it('has at most six lines and counts the rest', () => {
    const env = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`WIRESPAN_X${String(i)}`, 'on']));
    const lines = messageOf({ env }).split('\n');
    assert.equal(lines.length, 6);
    assert.equal(lines[5], 'and 4 more problems');
    const six = Object.fromEntries(Object.entries(env).slice(0, 6));
    assert.equal(messageOf({ env: six }).split('\n').length, 6);
    assert.doesNotMatch(messageOf({ env: six }), /more problems/);
  });
  it('carries the exit code 2', () => assert.equal(new ConfigError([]).exitCode, 2));
});
