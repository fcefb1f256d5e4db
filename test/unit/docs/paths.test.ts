import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { exists, leads, linksIn, pathsIn, pathsInComments, project } from './document.ts';

const glob = (pattern: string): string[] => globSync(pattern, { cwd: project });
const read = (path: string): string => readFileSync(join(project, path), 'utf8');

/** They say what is; decisions and the changelog say what was, so only their links must lead somewhere. */
const documents = [
  ...glob('{*,{docs,bpf,native,test}/*,test/**/*,changelog.d/README}.md').filter(
    (path) => path !== 'CHANGELOG.md',
  ),
  ...glob('{*,config/**/*,semconv/registry/*}.yaml'),
];
const linked = glob('{*,{docs,bpf,native,test,changelog.d}/**/*}.md');
const code = glob(
  '{*,{bin,bpf,config,demo,native,receiver,scripts,semconv,test,text}/**/*}.{ts,mjs,js,h,c,cc,sh}',
).filter((path) => !path.startsWith('test/unit/docs/'));

type Find = (text: string, document: string) => string[];
const wrongPaths: Find = (text, document) => pathsIn(text).filter((path) => !exists(path, document));
const wrongLinks: Find = (text, document) => linksIn(text).filter((link) => !leads(link, document));
const wrongInComments: Find = (text, document) =>
  pathsInComments(text).filter((path) => !exists(path, document));

/** What is wrong in all of these files, each with the file that says it. */
const all = (files: readonly string[], find: Find): string[] =>
  files.flatMap((file) => find(read(file), file).map((wrong) => `${file}: ${wrong}`));

describe('in the documents', () => {
  test('every path is there', () => assert.deepEqual(all(documents, wrongPaths), []));
  test('every link leads somewhere', () => assert.deepEqual(all(linked, wrongLinks), []));
  test('every path in a comment of the code is there', () =>
    assert.deepEqual(all(code, wrongInComments), []));

  test('all of them are looked at', () => {
    for (const path of ['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'otel-collector.yaml'])
      assert.ok(documents.includes(path), path);
    assert.ok(linked.includes('docs/decisions/0001-kernel-sums-first.md'));
    assert.ok(code.includes('bpf/wirespan.bpf.c') && code.includes('receiver/main.ts'));
  });
});

describe('a path that is not there', () => {
  test('is found, in whatever form', () => {
    const text = `
      In \`bpf/nothing.h\`, receiver/nothing/, (see nothing.ts) and \`npm test -- test/unit/nothing.test.ts\`;
      \`gone/\` is no folder, \`receiver/*/nothing.ts\` no file, \`bpf/<stem>.nothing/x.h\` nothing to follow.`;
    assert.deepEqual(wrongPaths(text, 'docs/x.md'), [
      'bpf/nothing.h',
      'receiver/nothing/',
      'nothing.ts',
      'test/unit/nothing.test.ts',
      'gone/',
      'receiver/*/nothing.ts',
      'bpf/<stem>.nothing/x.h',
    ]);
  });

  test('is none when it is there, is made, is the machine’s or is no path', () => {
    const text = `
      \`bpf/wirespan.bpf.c\`, native/, main.ts, architecture.md, test/*/*.test.ts, receiver/signals/<stem>/ and
      \`build/native/x.node\`, /sys/kernel/btf/vmlinux, Node.js, http/protobuf, https://x.org/a.md, @x/y.js.`;
    assert.deepEqual(wrongPaths(text, 'docs/x.md'), []);
  });

  test('is found in a comment of the code, where the kernel’s own are none', () => {
    const text =
      '/* bpf/nothing.h, net/ipv4/tcp.c */\nx(); // docs/decisions/0001\n * docs/decisions/9999\nf("bpf/x.h");';
    assert.deepEqual(wrongInComments(text, 'bpf/x.h'), ['bpf/nothing.h', 'docs/decisions/9999']);
  });

  test('nor does a link lead there, or to a heading that is not there', () => {
    const text =
      '[a](nothing.md) [b](../README.md#licence) [c](../README.md#nothing) [d](#x) [e](https://x.org)';
    assert.deepEqual(wrongLinks(text, 'docs/catalogue.md'), ['nothing.md', '../README.md#nothing', '#x']);
  });
});
