import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { project } from './document.ts';

const DOCUMENT = 'docs/hard-cases.md';
const read = (path: string): string => readFileSync(join(project, path), 'utf8');

/** Tests that a document names as `file`: "title". */
const namedIn = (text: string): (readonly [file: string, title: string])[] =>
  [...text.matchAll(/`(test\/[^`]*\.test\.ts)`: "([^"]*)"/g)].map(([, file = '', title = '']) => [
    file,
    title,
  ]);

const missing = (text: string): string[] =>
  namedIn(text)
    .filter(([file, title]) => !read(file).includes(title))
    .map(([file, title]) => `${file}: ${title}`);

describe('the table of hard cases', () => {
  test('names tests that are there', () => {
    const text = read(DOCUMENT);
    assert.deepEqual(missing(text), []);
    assert.ok(namedIn(text).length >= 35, 'they are looked at');
  });

  test('has a test or a limitation in each row', () => {
    const rows = read(DOCUMENT).match(/^\| \d.*$/gm) ?? [];
    const bare = rows.filter((row) => namedIn(row).length === 0 && !row.includes('(limitations.md'));
    assert.deepEqual(bare, []);
    assert.ok(rows.length >= 40, 'they are looked at');
  });

  test('a title that is not there is found', () =>
    assert.deepEqual(missing('`test/unit/docs/paths.test.ts`: "no such title"'), [
      'test/unit/docs/paths.test.ts: no such title',
    ]));
});
