import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { neededLibraries, newestGlibc } from '../../../scripts/package/prebuilt.ts';
import { readRequest } from '../../../scripts/package/request.ts';

describe('npm run package', () => {
  it('makes everything for every machine when nothing is asked for', () => {
    const { kinds, machines, target } = readRequest([]);
    assert.deepEqual([kinds.includes('npm'), machines.map(({ arch }) => arch)], [true, ['x64', 'arm64']]);
    assert.match(target, /\/dist$/);
  });

  it('makes what is asked for, where it is asked for', () => {
    const { kinds, machines, target } = readRequest(['npm', '--arch=arm64', '--to=/tmp/there']);
    assert.deepEqual(
      [kinds, machines.map(({ debian }) => debian), target],
      [['npm'], ['arm64'], '/tmp/there'],
    );
  });

  for (const wrong of ['rpm', '--arch=mips', '--verbose'])
    it(`refuses ${wrong} in a sentence with what there is`, () =>
      assert.throws(() => readRequest([wrong]), /is unknown: the packages are npm.*--arch=x64,arm64$/));
});

describe('what an addon needs', () => {
  it('is read of objdump: shared libraries, and the newest version of the C library', () => {
    const dynamic = '  NEEDED               libc.so.6\n  NEEDED               libbpf.so.1\n  SONAME  x.so\n';
    assert.deepEqual(neededLibraries(dynamic), ['libc.so.6', 'libbpf.so.1']);
    const symbols = '(GLIBC_2.2.5) open\n(GLIBC_2.33) stat\n(GLIBC_2.9) pipe2\n(GLIBCXX_3.4.30) x';
    assert.equal(newestGlibc(symbols), '2.33');
  });
});
