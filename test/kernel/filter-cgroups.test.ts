/** Filters by cgroup: groups of version 2 and of version 1 with the same workload. */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cgroupMounts, makeCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { FilterStage, NONE } from './rig/filter-stage.ts';
import type { TcpScript } from '../support/script.ts';
import { A_LISTENER, all, seenAt, talk } from './rig/talk.ts';

const mounts = cgroupMounts();
const versions = (['v2', 'v1'] as const).filter((version) => mounts[version] !== undefined);
const TOP = `wirespan-filter-${process.pid}`;
const CONNECTIONS = 3;
const EVERYTHING = { client: all(CONNECTIONS), server: all(CONNECTIONS), listener: A_LISTENER };

interface Member {
  /** As in a rule. */
  readonly path: string;
  readonly script: TcpScript;
}

describe('filters by cgroup', () => {
  const cleanup = new Cleanup();
  let stage: FilterStage;
  const members: Member[] = [];

  before(() => {
    stage = new FilterStage(cleanup);
    for (const version of versions) {
      for (const name of [`${version}-one`, `${version}-two`, `${version}-two/below/it`]) {
        const path = `/${TOP}/${name}`;
        const cgroup = makeCgroup(cleanup, mounts[version] ?? '', path);
        members.push({ path, script: stage.start(stage.room, { cgroup }) });
      }
    }
  });
  after(() => cleanup.run());

  /** Those in the group or below it are not seen at all, and all others are; or the other way round. */
  async function expectOnly(group: string, inside: 'seen' | 'unseen'): Promise<void> {
    for (const { path, script } of members) {
      const isInside = `${path}/`.startsWith(`${group}/`);
      const isSeen = isInside === (inside === 'seen');
      const port = await talk(script, CONNECTIONS);
      assert.deepEqual(seenAt(stage.watcher, port), isSeen ? EVERYTHING : NONE, `${path}, rule ${group}`);
      const rows = stage.watcher.series().filter((row) => row.port === port);
      // Each end on the process of its own group.
      const owners = new Set(rows.map(({ pid }) => pid));
      assert.deepEqual([...owners], isSeen ? [script.pid] : [], path);
    }
  }

  for (const version of ['v2', 'v1'] as const) {
    const skip = mounts[version] === undefined && `no cgroup ${version} here`;
    for (const name of ['one', 'two', 'two/below'])
      test(`${version}, ${name}: excluded, and included, with what is below it`, { skip }, async () => {
        const cgroup = `/${TOP}/${version}-${name}`;
        stage.exclude({ cgroup });
        await expectOnly(cgroup, 'unseen');
        stage.filter([{ cgroup }]);
        await expectOnly(cgroup, 'seen');
      });
  }

  test(
    'groups of one path in several hierarchies are one',
    { skip: versions.length < 2 && 'one cgroup version' },
    async () => {
      stage.exclude({ cgroup: `/${TOP}` });
      await expectOnly(`/${TOP}`, 'unseen');
      stage.filter([{ cgroup: `/${TOP}` }]);
      await expectOnly(`/${TOP}`, 'seen');
    },
  );

  test('every process is below the root', async () => {
    stage.filter([{ cgroup: '/' }]);
    await expectOnly('', 'seen');
    stage.exclude({ cgroup: '/' });
    await expectOnly('', 'unseen');
  });
});

describe('filters when there is no room for the facts of a process', () => {
  const cleanup = new Cleanup();
  const members: Member[] = [];
  let stage: FilterStage;
  let named: TcpScript;

  before(() => {
    // What listens on this machine fills it, or the first of these processes does.
    stage = new FilterStage(cleanup, { maxOwners: 1 });
    for (const [version, mount] of Object.entries(mounts)) {
      if (mount === undefined) continue;
      const path = `/${TOP}/${version}-full`;
      const cgroup = makeCgroup(cleanup, mount, path);
      members.push({ path, script: stage.start(stage.room, { cgroup }) });
    }
    named = stage.start(stage.room);
  });
  after(() => cleanup.run());

  const seen = async (script: TcpScript): Promise<unknown> =>
    seenAt(stage.watcher, await talk(script, CONNECTIONS));

  test('there is none', async () => {
    stage.filter([]);
    for (const { script } of [{ script: stage.script }, ...members]) await talk(script, 1);
    const { count } = stage.watcher.source.read('owners');
    assert.ok(count <= 1);
    assert.ok(stage.watcher.countAll('LOST_MAP_FULL') > 0);
  });

  test('a cgroup is included and excluded all the same', async () => {
    for (const { path, script } of members) {
      stage.filter([{ cgroup: path }]);
      assert.deepEqual(await seen(script), EVERYTHING, `include ${basename(path)}`);
      assert.deepEqual(await seen(named), NONE);
      stage.exclude({ cgroup: path });
      assert.deepEqual(await seen(script), NONE, `exclude ${basename(path)}`);
      assert.deepEqual(await seen(named), EVERYTHING);
    }
  });

  test('so is a command', async () => {
    stage.filter([{ command: 'tcp-script' }]);
    assert.deepEqual(await seen(named), EVERYTHING);
    stage.filter([{ command: 'another' }]);
    assert.deepEqual(await seen(named), NONE);
    stage.exclude({ command: 'tcp-script' });
    assert.deepEqual(await seen(named), NONE);
    stage.exclude({ command: 'another' });
    assert.deepEqual(await seen(named), EVERYTHING);
  });

  test('and what is open when the rules change', async () => {
    stage.filter([]);
    const kept = await named.listen();
    stage.filter([{ command: 'tcp-script' }]);
    assert.deepEqual(seenAt(stage.watcher, await talk(named, CONNECTIONS, { at: kept })), EVERYTHING);
    stage.filter([]);
    const left = await named.listen();
    stage.exclude({ command: 'tcp-script' });
    const { client, server, listener } = seenAt(stage.watcher, await talk(named, CONNECTIONS, { at: left }));
    assert.deepEqual({ client, server }, { client: NONE.client, server: NONE.server });
    // It was there before the rule: its first record, and the row that was read until then.
    assert.equal(listener.records, 1);
  });
});
