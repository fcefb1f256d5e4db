/** Namespaces and groups of a test process that was killed do not stay on the machine. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { removeLeftovers } from '../support/leftovers.ts';
import { NetNamespace } from '../support/net-namespace.ts';

test('those of the dead are taken away, those of the living stay', () => {
  const living = new NetNamespace();
  try {
    const name = `wirespan-${spawnSync('true').pid}-1`;
    execFileSync('ip', ['netns', 'add', name]);
    const groups = living.cgroup === undefined ? undefined : dirname(living.cgroup);
    const group = groups === undefined ? undefined : join(groups, name, 'inner');
    if (group !== undefined) mkdirSync(group, { recursive: true });
    removeLeftovers(groups);
    assert.ok(!existsSync(`/run/netns/${name}`));
    if (group !== undefined) assert.ok(!existsSync(dirname(group)));
    assert.ok(existsSync(`/run/netns/${living.name}`));
    if (living.cgroup !== undefined) assert.ok(existsSync(living.cgroup));
  } finally {
    living.remove();
  }
});
