import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCgroupNames } from '../../receiver/decode/cgroup-names.ts';
import { CGROUP_NAMES } from '../../receiver/decode/generated/layout.ts';
import { readCgroupPath, readProcCgroup } from '../../receiver/host/cgroup-path.ts';
import { corpusOf, fuzz, inputsOf } from './fuzz.ts';
import { checkCgroupPath, checkContainer } from './oracles.ts';

const tokens = ['/', ':', '\n', '0::', '.scope', '.slice', 'docker-', 'pod', 'conmon-', '\0', 'f'.repeat(64)];
/** Names without an end between them, each behind a slash: the kernel ends them, the bytes here need not. */
const MAX_PATH_BYTES = CGROUP_NAMES.size + 4;

test('cgroups: a container or a pod is one that the path names', async (t) => {
  let containers = 0;
  const count = await fuzz(inputsOf(corpusOf('cgroups'), tokens), (input) => {
    const text = input.toString();
    for (const found of [readCgroupPath(text), readProcCgroup(text)]) {
      containers += Number(found.containerId !== undefined);
      checkContainer(found, text);
    }
    const names = new Uint8Array(CGROUP_NAMES.size);
    names.set(input.subarray(0, names.length));
    const path = readCgroupNames(names);
    if (path !== undefined) checkCgroupPath(path, MAX_PATH_BYTES);
  });
  t.diagnostic(`${String(count)} inputs, ${String(containers)} containers`);
  assert.ok(count > 100 && containers > 0);
});
