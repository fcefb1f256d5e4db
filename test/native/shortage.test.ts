import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROBE_OBJECT, skip } from './probe.ts';

const INDEX = join(import.meta.dirname, '..', '..', 'native', 'index.ts');
/** Says what a question to the kernel came to, with as few files as `prlimit` leaves. */
const SCRIPT = `
const { probe, tryLoad } = await import(${JSON.stringify(INDEX)});
const say = (ask) => { try { return JSON.stringify(ask()); } catch (error) { return error.message; } };
console.log(say(() => probe().bpf));
console.log(say(() => tryLoad(${JSON.stringify(PROBE_OBJECT)}, 'wsn_count').ok));
`;

test('too few open files are said, and never taken for an answer of the kernel', { skip }, () => {
  const seen = new Set<string>();
  for (let files = 20; files <= 60; files += 2) {
    const arguments_ = [`--nofile=${files}`, process.execPath, '--input-type=module', '-e', SCRIPT];
    const { stdout, status } = spawnSync('prlimit', arguments_, { encoding: 'utf8' });
    // Node itself needs some.
    if (status !== 0) continue;
    for (const line of stdout.trimEnd().split('\n')) {
      if (line !== 'true')
        assert.match(line, /\(EMFILE\); raise the limit of open files of this process to 1024/);
      seen.add(line === 'true' ? 'true' : 'said');
    }
  }
  assert.deepEqual([...seen].sort(), ['said', 'true']);
});
