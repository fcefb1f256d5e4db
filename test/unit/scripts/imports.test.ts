import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { imports } from '../../../scripts/imports/rule.ts';
import { FOLDERS, refusalOf } from '../../../scripts/imports/table.ts';

const project = dirname(dirname(dirname(import.meta.dirname)));
const linter = new Linter({ cwd: project });
const config = {
  files: ['**/*.ts'],
  languageOptions: { parser: tseslint.parser },
  plugins: { house: { rules: { imports } } },
  rules: { 'house/imports': 'error' as const },
};

/** What lint says of a file with this text. */
function complaints(path: string, text: string): string[] {
  const found = linter.verify(text, [config], { filename: join(project, path) });
  return found.map(({ message }) => message);
}

/** From a file in one folder to one in another. */
function importing(from: string, to: string, kind: 'import' | 'import type'): string {
  const up = '../'.repeat(from.split('/').length);
  const target = to === 'layout' ? 'receiver/decode/generated' : to;
  return `${kind} { x } from '${up}${target}/x.ts';`;
}

const others = (folder: string): string[] =>
  ['layout', ...Object.keys(FOLDERS)].filter((to) => to !== folder);

describe('imports between folders', () => {
  for (const [folder, { values = [], types = [] }] of Object.entries(FOLDERS)) {
    test(`of ${folder}: those of the table and no other`, () => {
      for (const to of others(folder)) {
        const [asValue, asType] = (['import', 'import type'] as const).map((kind) =>
          complaints(`${folder}/x.ts`, importing(folder, to, kind)).some((each) => each.startsWith(folder)),
        );
        assert.equal(asValue, !values.includes(to), `values of ${to}`);
        assert.equal(asType, !values.includes(to) && !types.includes(to), `types of ${to}`);
      }
      const refused = others(folder).filter((to) => refusalOf(folder, to, false) !== undefined);
      assert.ok(refused.length > 0, 'something is refused');
    });
  }

  test('by export and by import() as well', () => {
    for (const text of [`export { x } from '../agent/x.ts';`, `void import('../agent/x.ts');`])
      assert.equal(complaints('receiver/model/x.ts', text).length, 1, text);
  });

  test('files are read in their own folder alone', () => {
    const text = `import { readFileSync } from 'node:fs';`;
    const readers = Object.keys(FOLDERS).filter(
      (folder) => complaints(`${folder}/main.ts`, text).length === 0,
    );
    assert.deepEqual(
      readers.filter((folder) => folder.startsWith('receiver')),
      ['receiver/host', 'receiver/recording', 'receiver/feed', 'receiver/cli'],
    );
  });

  test('a part of another kind of tests', () => {
    for (const [from, to, count] of [
      ['e2e', 'kernel', 1],
      ['support', 'unit', 1],
      ['kernel', 'support', 0],
      ['unit', 'bench', 0],
    ] as const)
      assert.equal(complaints(`test/${from}/x.ts`, `import { x } from '../${to}/x.ts';`).length, count, from);
  });

  test('a file directly in the receiver, or in a folder of its own making', () => {
    assert.match(complaints('receiver/x.ts', '').join(), /belongs into one of its folders/);
    assert.match(complaints('receiver/new/x.ts', '').join(), /has no line/);
    assert.deepEqual(complaints('receiver/main.ts', ''), []);
  });
});
