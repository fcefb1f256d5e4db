import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { circlesOf, moduleOf, readModules, unusedExports } from '../../../scripts/imports/modules.ts';

const project = dirname(dirname(dirname(import.meta.dirname)));
const CODE = ['bin', 'config', 'native', 'receiver', 'scripts', 'semconv', 'text'];

/** Modules of one folder by their text. */
function modulesOf(texts: Readonly<Record<string, string>>) {
  return new Map(Object.entries(texts).map(([path, text]) => [path, moduleOf(path, text)] as const));
}

describe('circles of imports', () => {
  test('are found, of types and over other folders too', () => {
    const modules = modulesOf({
      'a/one.ts': "import { two } from '../b/two.ts';",
      'b/two.ts': "import type { Three } from './three.ts';",
      'b/three.ts': "export { one } from '../a/one.ts';",
      'b/four.ts': "import { two } from './two.ts'; import 'node:fs';",
      'b/self.ts': "const self = await import('./self.ts');",
    });
    assert.deepEqual(circlesOf(modules), [
      ['a/one.ts', 'b/two.ts', 'b/three.ts', 'a/one.ts'],
      ['b/self.ts', 'b/self.ts'],
    ]);
  });

  test('there are none: what two modules need of each other belongs in a third', () => {
    const modules = readModules(project, [...CODE, 'demo', 'test']);
    assert.ok(modules.has('receiver/main.ts') && modules.has('test/unit/scripts/modules.test.ts'));
    assert.deepEqual(circlesOf(modules), []);
  });
});

describe('exports', () => {
  test('that nobody takes are found', () => {
    const modules = modulesOf({
      'a.ts': 'export const x = 1; export function y() {} export interface Z {} export type W = 1; let w: W;',
      'b.ts': "import { x as other } from './a.ts'; export { other };",
      'c.ts': "import * as b from './b.ts';",
    });
    assert.deepEqual(unusedExports(modules), ['a.ts: y', 'a.ts: Z']);
  });

  test('are there for the code, not for its tests: these go through what uses them', () => {
    const modules = readModules(project, CODE);
    /** Names of the registry, layouts of the object and what the addon can do are there, used or not. */
    const isChecked = (line: string): boolean =>
      /^(config|native|receiver|text)\//.test(line) && !/^native\/index\.ts|\/generated\//.test(line);
    assert.ok(modules.has('receiver/main.ts'));
    assert.deepEqual(unusedExports(modules).filter(isChecked), []);
  });
});
