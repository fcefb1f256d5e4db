import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { loadConfig, SCHEMA } from '../../../config/index.ts';
import { renderJsonSchema } from '../../../config/json-schema.ts';
import { YAML_OPTIONS } from '../../../config/yaml.ts';

const isValid = new Ajv({ strict: false }).compile(JSON.parse(renderJsonSchema()) as object);

/** Values of every kind, as YAML: each is tried at each key. */
const VALUES = [
  'on',
  'OFF',
  'true',
  'false',
  'correlated',
  'otlp',
  'None',
  'grpc',
  'http/protobuf',
  'delta',
  'info',
  'small',
  '"0600"',
  'group',
  '0',
  '1',
  '5',
  '"5"',
  '0.5',
  '".5"',
  '500',
  '4317',
  '5s',
  '250 MS',
  '1.5s',
  '50us',
  '8388608',
  '8MiB',
  '8 mib',
  'text',
  '/run/wirespan/views.sock',
  'http://collector:4317',
  'collector:4317',
  '127.0.0.1:9464',
  '"[::1]:9464"',
  '192.0.2.0/24',
  '[192.0.2.0/24, 2001:db8::/32]',
  '[]',
  'a=b,c=d',
  '{a: b, c: 1}',
  '[[a, b]]',
  '[{port: 22}, {cidr: 192.0.2.0/24, command: sshd}]',
  '"[{port: 22}]"',
  '',
];

function isTaken(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

const isFileTaken = (file: string): boolean =>
  isTaken(() =>
    loadConfig({ argv: ['--config', 'a.yaml'], env: {}, readFile: () => file, isWatched: false }),
  );

const asRead = (file: string): unknown => parse(file, YAML_OPTIONS) as unknown;

test('the schema takes every value that the agent takes: no editor marks what is right', () => {
  let taken = 0;
  const values = VALUES.map(asRead);
  for (const [key, { format }] of SCHEMA)
    for (const value of values) {
      // Nothing behind a key is no value.
      if (value !== null && !isTaken(() => format.read(value))) continue;
      taken += 1;
      assert.ok(isValid({ [key]: value }), `${key}: ${String(value)}: ${JSON.stringify(isValid.errors)}`);
    }
  assert.ok(taken > 4 * SCHEMA.size, `${taken} were taken`);
});

test('keys nest, have dots, or both', () => {
  for (const file of [
    'bpf: {ring_buffer_size: 8MiB}',
    'bpf.ring_buffer_size: 8MiB',
    'events: {tcp: {connection: {close: on}}}',
    'events: {tcp.connection.close: on}',
    'events.tcp: {connection.close: on}',
    'otlp:\nevents:\n',
  ]) {
    assert.ok(isFileTaken(file), file);
    assert.ok(isValid(asRead(file)), file);
  }
});

test('it marks mistakes that the agent refuses', () => {
  for (const file of [
    'bpf: {ring_bufer_size: 8MiB}',
    'nothing: 1',
    'bpf.max_sockets: -1',
    'bpf.max_sockets: many',
    'bpf.ring_buffer_size: 8 apples',
    'events.tcp.connection.close: sometimes',
    'export.metrics.interval: fast',
    'sampling.connection_ratio: 2',
    'subnets: 5',
    'filter.include: [{prt: 22}]',
    'filter.include: [{port: 70000}]',
    'health.listen: somewhere',
    'otlp: on',
    '- a list',
  ]) {
    assert.ok(!isFileTaken(file), file);
    assert.equal(isValid(asRead(file)), false, file);
  }
});

test('the file in the repository is this one, and a setting says what it is', () => {
  const file = new URL('../../../config/wirespan.schema.json', import.meta.url);
  const { definitions } = JSON.parse(readFileSync(file, 'utf8')) as {
    definitions: Record<string, { description: string; default: unknown }>;
  };
  assert.equal(definitions['thresholds.rtt']?.description.includes('round-trip'), true);
  assert.equal(definitions['health.listen']?.default, 'off');
});
