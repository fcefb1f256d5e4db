import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCgroupNames } from '../../receiver/decode/cgroup-names.ts';
import { CGROUP_NAMES } from '../../receiver/decode/generated/layout.ts';
import { readCgroupPath, readProcCgroup } from '../../receiver/enrich/cgroup-path.ts';
import { corpusOf, fuzz, inputsOf } from './fuzz.ts';

const tokens = ['/', ':', '\n', '0::', '.scope', '.slice', 'docker-', 'pod', 'conmon-', '\0', 'f'.repeat(64)];
const uid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

test('cgroups: a container or a pod is one that the path names', async (t) => {
  let containers = 0;
  const count = await fuzz(inputsOf(corpusOf('cgroups'), tokens), (input) => {
    const text = input.toString();
    for (const { containerId, podUid } of [readCgroupPath(text), readProcCgroup(text)]) {
      if (containerId !== undefined) {
        containers += 1;
        assert.match(containerId, /^[0-9a-f]{64}$/);
        assert.ok(text.includes(containerId));
      }
      if (podUid === undefined) continue;
      assert.match(podUid, uid);
      assert.ok(text.replaceAll('_', '-').includes(podUid));
    }
    const names = new Uint8Array(CGROUP_NAMES.size);
    names.set(input.subarray(0, names.length));
    const path = readCgroupNames(names);
    if (path === undefined) return;
    assert.ok(path.startsWith('/') && !path.includes('\0') && path.length <= CGROUP_NAMES.size, path);
  });
  t.diagnostic(`${String(count)} inputs, ${String(containers)} containers`);
  assert.ok(count > 100 && containers > 0);
});
