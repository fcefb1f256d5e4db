import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { onOff } from '../../../config/format.ts';
import { renderReference } from '../../../config/reference.ts';
import { SCHEMA } from '../../../config/schema.ts';
import { OPT_IN_ATTRIBUTES } from '../../../config/sections/opt-in-attributes.ts';
import { flatten, setting } from '../../../config/setting.ts';
import { EVENTS, METRICS, SPANS } from '../../../semconv/index.ts';

describe('the schema', () => {
  for (const [key, { doc, format, default: value, defaultText, env }] of SCHEMA) {
    it(`documents ${key}`, () => {
      assert.match(doc, /^[A-Z0-9`].*\.$/, 'a sentence');
      assert.notEqual(format.expects, '');
      assert.match(env, /^WIRESPAN_[A-Z0-9_]+$/);
      assert.match(key, /^[a-z0-9_]+(\.[a-z0-9_]+)*$/);
      if (value === undefined)
        assert.notEqual(defaultText, undefined, 'says what applies when it is not set');
      else assert.deepEqual(format.read(value), value, 'the default passes its own check');
    });
  }

  it('offers each attribute that a signal has as an option, and no other', () => {
    const optional = [...METRICS, ...EVENTS, ...SPANS].flatMap(({ attributes }) =>
      attributes.filter(({ level }) => level === 'opt_in').map(({ key }) => key),
    );
    assert.deepEqual(new Set(OPT_IN_ATTRIBUTES.map(({ key }) => key)), new Set(optional));
    for (const each of OPT_IN_ATTRIBUTES) {
      assert.equal(each.switch, `attributes.${each.key.replace(/^wirespan\./, '')}`);
      assert.ok(SCHEMA.has(each.switch), each.switch);
    }
  });

  it('refuses keys that share a variable or are groups too', () => {
    const one = setting(onOff, 'on', 'One.');
    assert.throws(() => flatten({ a_b: one, a: { b: one } }), /share the variable WIRESPAN_A_B/);
    const nested: Record<string, typeof one> = { 'a.b': one, a: one };
    assert.throws(() => flatten(nested), /a is also a group/);
  });
});

describe('docs/configuration.md', () => {
  it('is what the schema says', () =>
    assert.equal(
      readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8'),
      renderReference(),
    ));
});
