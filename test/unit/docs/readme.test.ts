/** README in two languages: what is typed, shown and linked is the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { linksIn, project } from './document.ts';

const [english = '', chinese = ''] = ['README.md', 'README.zh-CN.md'].map((name) =>
  readFileSync(join(project, name), 'utf8'),
);
const blocksIn = (text: string): string[] => text.match(/^```[^]*?^```/gm) ?? [];
const headingsIn = (text: string): string[] => text.match(/^#+ /gm) ?? [];
/** Words in the type of code; commands and settings among them. */
const codeIn = (text: string): string[] =>
  [...new Set(text.replace(/^```[^]*?^```/gm, '').match(/`[^`\n]+`/g) ?? [])].sort();

test('both have the same commands, outputs and pictures', () => {
  assert.ok(blocksIn(english).length >= 4);
  assert.deepEqual(blocksIn(chinese), blocksIn(english));
});

test('both have the same headings, links, and names of commands and settings', () => {
  assert.deepEqual(headingsIn(chinese), headingsIn(english));
  const own = ['README.md', 'README.zh-CN.md'];
  const others = (text: string): string[] =>
    linksIn(text)
      .filter((target) => !own.includes(target))
      .sort();
  assert.deepEqual(others(chinese), others(english));
  assert.deepEqual(codeIn(chinese), codeIn(english));
  assert.ok(linksIn(english).includes('README.zh-CN.md') && linksIn(chinese).includes('README.md'));
});
