import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { project } from './document.ts';

const read = (path: string): string => readFileSync(join(project, path), 'utf8');
/** As one word, however it is written: `overflow row`, `overflowRow`, `overflow_row`. */
const plain = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, '');

/** The words that a row of the glossary explains. */
const entries = [
  ...read('docs/glossary.md').matchAll(/^\| ((?:\*\*|`)[^|]+?) +\| ([^|]+?) +\| ([^|]+?) +\|$/gm),
];
const words = entries.flatMap(([, cell = '']) => cell.split(', ').map((word) => word.replace(/[*`]/g, '')));

describe('the glossary', () => {
  test('explains words that are in use', () => {
    const files = globSync('{bpf,receiver,config,semconv/registry,docs}/**/*.{c,h,ts,yaml,md}', {
      cwd: project,
    });
    const inUse = files.filter((path) => path !== 'docs/glossary.md').map((path) => plain(path + read(path)));
    assert.ok(words.length > 40);
    assert.deepEqual(
      words.filter((word) => !inUse.some((text) => text.includes(plain(word)))),
      [],
    );
  });

  test('has each word once, with one sentence or two', () => {
    assert.deepEqual(
      words.filter((word, at) => words.indexOf(word) !== at),
      [],
    );
    for (const [, word, , meaning = ''] of entries) assert.match(meaning, /^[A-Z`].*\.$/, word);
  });

  test('is found from where one begins to read', () => {
    assert.match(read('docs/architecture.md'), /\]\(glossary\.md\)/);
    assert.match(read('CONTRIBUTING.md'), /\]\(docs\/glossary\.md\)/);
  });
});
