import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { walkMappings } from '../../../receiver/host/mappings.ts';
import { Cleanup } from '../../support/cleanup.ts';

/** More than one read, and lines that end anywhere in them. */
const COUNT = 3_000;
const names = Array.from({ length: COUNT }, (_, index) => `/file ${'x'.repeat(index % 97)}${String(index)}`);
const text = names
  .map(
    (name, index) =>
      `${(index * 4096).toString(16)}-${(index * 4096 + 4096).toString(16)} r--p 0 00:01 7 ${name}\n`,
  )
  .join('');

describe('the mappings of a process', () => {
  const cleanup = new Cleanup();
  const path = join(cleanup.makeFolder(), 'maps');
  writeFileSync(path, text);
  after(() => cleanup.run());

  test('are met one by one until one is found', async () => {
    const met: string[] = [];
    assert.equal(await walkMappings(path, ({ name }) => met.push(name) === 2_500), true);
    assert.deepEqual(met, names.slice(0, 2_500));
  });

  test('are walked up to a bound, which is told', async () => {
    const met: string[] = [];
    const visit = ({ name }: { name: string }): boolean => met.push(name) < 0;
    assert.equal(await walkMappings(path, visit, '', text.length + 1), true);
    assert.equal(met.length, COUNT);
    assert.equal(await walkMappings(path, visit, '', text.length / 2), false);
    assert.ok(met.length < 2 * COUNT);
  });

  test('are not looked at where a word is missing', async () => {
    assert.equal(await walkMappings(path, () => assert.fail('it was met'), 'OTEL_CTX'), true);
  });
});
