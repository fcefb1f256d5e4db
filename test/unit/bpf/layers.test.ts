import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';

const bpf = join(import.meta.dirname, '..', '..', '..', 'bpf');
const files = new Map(
  globSync('**/*.{c,h}', { cwd: bpf }).map((path) => [path, readFileSync(join(bpf, path), 'utf8')]),
);
const families = [...files.keys()].filter((path) => path.endsWith('.bpf.c') && path !== 'wirespan.bpf.c');

/** What a file includes of ours: paths below bpf/. */
function includesOf(path: string): string[] {
  const text = files.get(path);
  assert.ok(text !== undefined, `${path} is there`);
  return [...text.matchAll(/^#include "([^"]+)"/gm)].map(([, name]) =>
    normalize(join(dirname(path), String(name))),
  );
}

/** The headers on the longest way down from a file, itself not counted. */
function longestChain(path: string): string[] {
  const below = includesOf(path).map((header) => [header, ...longestChain(header)]);
  return below.reduce((longest, chain) => (chain.length > longest.length ? chain : longest), []);
}

function layer(folder: string): string[] {
  return [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
}

describe('the layers of bpf/', () => {
  test('no family is more than five headers away from the lowest', () => {
    assert.ok(families.length >= 13, 'the families are looked at');
    for (const family of families) {
      const chain = longestChain(family);
      assert.ok(chain.length <= 5, `${family}: ${chain.join(' > ')}`);
    }
  });

  test('the kernel and the contract have types only', () => {
    const types = [...layer('kernel'), ...layer('contract')];
    assert.ok(types.length >= 8);
    for (const path of types)
      assert.doesNotMatch(files.get(path) ?? '', /__always_inline|__noinline|SEC\(|^static /m, path);
  });

  test('a header of lib/ includes nothing, and each is in the list', () => {
    const listed = includesOf('wirespan.bpf.h').filter((path) => path.startsWith('lib/'));
    assert.deepEqual(listed.toSorted(), layer('lib').toSorted());
    for (const path of layer('lib')) assert.deepEqual(includesOf(path), [], path);
  });

  test('every family is in the object', () => {
    assert.deepEqual(includesOf('wirespan.bpf.c').toSorted(), families.toSorted());
  });
});
