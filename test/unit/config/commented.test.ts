import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderCommentedConfig } from '../../../config/commented.ts';
import { loadConfig, SCHEMA } from '../../../config/index.ts';

const text = renderCommentedConfig();
const load = (file: string): unknown =>
  loadConfig({ argv: ['--config', 'all.yaml'], env: {}, readFile: () => file, isWatched: false });

test('the file of all settings has every key once, and changes nothing', () => {
  const keys = [...text.matchAll(/^#([a-z][\w.]*):/gm)].map(([, key]) => key);
  assert.deepEqual(keys, [...SCHEMA.keys()]);
  assert.deepEqual(load(text), load(''));
});

test('its defaults are those in force: with every value uncommented nothing changes either', () => {
  const values = text.replace(/^#([a-z][\w.]*: \S.*)$/gm, '$1');
  assert.ok((values.match(/^[a-z]/gm) ?? []).length > 100, 'values');
  assert.deepEqual(load(values), load(''));
});
