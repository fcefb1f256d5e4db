import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { ConfigError } from '../../../config/index.ts';
import { SCHEMA } from '../../../config/schema.ts';
import { load, type Given } from './sources.ts';

/** Texts that some format takes; most keys take few of them. */
const TEXTS = [
  'command',
  'on',
  'off',
  'true',
  'false',
  'correlated',
  'always',
  'auto',
  'service',
  'full',
  'none',
  'prefix',
  'table',
  'small',
  'json',
  'grpc',
  'http/protobuf',
  'owner',
  'gzip',
  'delta',
  'trace_based',
  'explicit_bucket_histogram',
  'info',
  'debug',
  '0',
  '1',
  '5',
  '5s',
  '250ms',
  '512',
  '4096',
  '8MiB',
  '10.0.0.0/8',
  '10.0.0.1',
  '[{port: 22}]',
  'a=b',
  'http://collector:4317',
  'collector:4317',
  '/etc/x.pem',
  '%',
  '-1',
  'x',
];

function accepts(key: string, value: string): boolean {
  try {
    SCHEMA.get(key)?.format.read(value);
    return true;
  } catch {
    return false;
  }
}

const ENTRIES = [...SCHEMA.keys()].flatMap((key) =>
  TEXTS.map((value) => ({ key, value, isGood: accepts(key, value) })),
);
const GOOD = ENTRIES.filter(({ isGood }) => isGood);
const BAD = ENTRIES.filter(({ isGood }) => !isGood);

function outcome(given: Given): unknown {
  try {
    return load(given);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // The place differs between sources, the verdict must not.
    return error.message.replaceAll(/\([^()]*(test\.yaml|WIRESPAN_|flag)[^()]*\)/g, '()');
  }
}

describe('all sources', () => {
  it('have a good text here for every key', () => {
    assert.deepEqual(new Set(GOOD.map(({ key }) => key)), new Set(SCHEMA.keys()));
  });

  it('read the same text alike, good or bad', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...GOOD), fc.constantFrom(...BAD)), ({ key, value }) => {
        const variable = SCHEMA.get(key)?.env ?? '';
        const byFlag = outcome({ argv: [`--${key}`, value] });
        assert.deepEqual(outcome({ argv: [`--${key}=${value}`] }), byFlag);
        assert.deepEqual(outcome({ env: { [variable]: value } }), byFlag);
        const yaml = stringify({ [key]: value }, { defaultStringType: 'QUOTE_DOUBLE' });
        assert.deepEqual(outcome({ yaml }), byFlag);
      }),
    );
  });

  it('agree on a key that is nested in the file', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SCHEMA.keys()), (key) => {
        const nested = key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), '\u0000');
        const dotted = outcome({ yaml: stringify({ [key]: '\u0000' }) });
        assert.deepEqual(String(outcome({ yaml: stringify(nested) })), String(dotted));
      }),
    );
  });

  it('never fail with anything but a ConfigError, whatever the file', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (yaml) => {
        assert.doesNotThrow(() => outcome({ yaml }));
      }),
      { numRuns: 300 },
    );
  });
});
