import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../../config/index.ts';
import { SCHEMA } from '../../../config/schema.ts';
import { MAX_YAML_CHARS } from '../../../config/yaml.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { EndpointError } from '../../../receiver/export/endpoint-error.ts';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { load, messageOf, type Given } from './sources.ts';

/** Just above the bound of our own: each alias stands for one short word. */
const aliases = (count: number): string => `subnets: [&a 10.0.0.0/8${', *a'.repeat(count)}]`;

describe('a file that cannot be read as settings', () => {
  const files: Readonly<Record<string, [yaml: string, expected: RegExp]>> = {
    'with more aliases than anybody writes': [aliases(51), /has more than 50 aliases \(\*name\)/],
    'nested deeper than can be read': ['['.repeat(20_000), /nested too deeply/],
    'larger than settings are': [' '.repeat(MAX_YAML_CHARS + 1), /has more than 65536 characters/],
    'of two documents': ['a: 1\n---\nb: 2\n', /more than one document/],
    'with a key twice': ['addresses: none\naddresses: full\n', /a key is there twice/],
    'with a long key': [`${'k'.repeat(3000)}: 1\n`, /^a key of the file|longer than 1024/],
    'with a tab': ['log:\n\tlevel: info\n', /a tab is used to indent|not valid YAML/],
    'with a list as key': ['? [a, b]\n: 1\n', /is no setting/],
    'that is a list': ['- a\n', /must be a map of settings/],
    'that is a word': ['hello', /must be a map of settings/],
  };
  for (const [name, [yaml, expected]] of Object.entries(files)) {
    it(name, () => {
      const message = messageOf({ yaml });
      assert.match(message, expected);
      assert.ok(message.split('\n').length <= 6 && message.length < 2000);
    });
  }

  it('with some aliases is no such file', () => assert.equal(load({ yaml: aliases(20) }).subnets.length, 21));

  it('with thousands of unknown keys says so', () => {
    const yaml = Array.from({ length: 4000 }, (_, i) => `key_${i}: 1`).join('\n');
    assert.match(messageOf({ yaml }), /and 3995 more problems$/);
  });
});

/** One of each kind of value, as YAML; a text of it serves variables and flags. */
const KINDS = [
  'null',
  'true',
  '-1',
  '0',
  '1',
  '1.5',
  '4e9',
  '4000000000',
  '1e308',
  '.inf',
  '.nan',
  '9007199254740993',
  '"\\0"',
  '" "',
  'on',
  '1s',
  '8MiB',
  '99999999999999999999MiB',
  '[]',
  '[[]]',
  '[{}]',
  '{}',
  '{a: {b: c}}',
  '[1, two, {three: 3}]',
  'http://h:1',
  '!!binary aGVsbG8=',
  '2026-01-01',
  '"%"',
  '"a=%zz"',
];

describe('every setting takes every kind of value, or refuses it in a sentence', () => {
  const check = (given: Given): void => {
    try {
      const config = load(given);
      // What is taken can be used: by the kernel side and by the exporters.
      kernelOptionsOf(config);
      void createExporters(config).shutdown(0);
    } catch (error) {
      assert.ok(
        error instanceof ConfigError || error instanceof EndpointError,
        String((error as Error).stack),
      );
      const lines = error.message.split('\n');
      assert.ok(lines.length <= 6 && lines.every((line) => line.length < 640), error.message);
    }
  };
  for (const [key, { env }] of SCHEMA) {
    it(key, () => {
      for (const kind of KINDS) {
        check({ yaml: `${key}: ${kind}` });
        check({ env: { [env]: kind } });
        check({ argv: [`--${key}`, kind] });
      }
      check({ env: { [env]: 'x'.repeat(100_000) } });
      check({ argv: [`--${key}=${'[1,'.repeat(20_000)}`] });
    });
  }

  it('limits that cannot be are refused', () => {
    for (const key of [
      'bpf.max_series',
      'bpf.max_sockets',
      'bpf.max_owners',
      'export.queue_size',
      'export.spans.queue_size',
      'export.events.queue_size',
      'export.spans.batch_size',
      'series.limit',
      'spans.max_per_trace',
    ])
      assert.match(messageOf({ argv: [`--${key}`, '4000000000'] }), /must be a whole number from \d+ to \d+/);
  });
});
