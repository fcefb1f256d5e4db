import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { project } from './document.ts';

/** A comment that says `Of the socket.` leaves out what it speaks of: it is no sentence. */
const FRAGMENT = /(?:\/\*\*?|\/\/|^[ \t]*#)(?:[ \t]*\r?\n[ \t]*\*)?[ \t]*Of[ \t].*/gm;
const fragmentsIn = (text: string): string[] => text.match(FRAGMENT) ?? [];

const folders = '{bin,bpf,config,demo,findings,native,receiver,scripts,semconv,test,text,.ci}';
const code = globSync(`{*,${folders}/**/*}.{ts,mjs,js,h,c,cc,sh,py,yaml}`, { cwd: project }).filter(
  (path) => !path.startsWith('test/unit/docs/'),
);

describe('comments', () => {
  test('none begins with a word that leaves out what it speaks of', () => {
    const found = code.flatMap((path) =>
      fragmentsIn(readFileSync(join(project, path), 'utf8')).map((text) => `${path}: ${text}`),
    );
    assert.deepEqual(found, []);
    assert.ok(code.length > 600, 'they are looked at');
  });

  test('a fragment is found in each language, a sentence is none', () => {
    for (const text of [
      '/** Of a. */',
      '/* Of a. */',
      'x(); // Of a.',
      '# Of a.',
      '/**\n * Of a.',
      ' /*\n  * Of a.',
    ])
      assert.equal(fragmentsIn(text).length, 1, text);
    for (const text of ['/** The size of a. */', '// Often.', '/** Size. Of a. */', 'Of a.'])
      assert.deepEqual(fragmentsIn(text), [], text);
  });
});
