import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { project } from './document.ts';

const read = (path: string): string => readFileSync(join(project, path), 'utf8');
const RELEASE = /^## (\d+\.\d+\.\d+) – (\d{4}-\d{2}-\d{2})$/gm;

describe('the changelog', () => {
  test('begins with the version of the package, newest first, each once', () => {
    const releases = [...read('CHANGELOG.md').matchAll(RELEASE)];
    const { version } = JSON.parse(read('package.json')) as { version: string };
    assert.equal(releases[0]?.[1], version);
    const dates = releases.map(([, , date = '']) => date);
    assert.deepEqual(dates, dates.toSorted().reverse());
    assert.equal(new Set(releases.map(([, each]) => each)).size, releases.length);
  });

  test('is told of each change by a fragment that its release can file', () => {
    const fragments = readdirSync(join(project, 'changelog.d')).filter((name) => name !== 'README.md');
    for (const name of fragments) {
      assert.match(name, /^[a-z0-9]+(?:-[a-z0-9]+)*\.(?:feature|fix|perf|breaking)\.md$/);
      assert.match(
        read(`changelog.d/${name}`),
        /^[^#\s-][^]*\.\n$/,
        `${name}: sentences, no heading or list`,
      );
    }
  });
});
