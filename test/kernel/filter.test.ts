/** filter.include and filter.exclude, in the kernel: what is left out makes neither a sum nor a record. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { FilterStage, hasV2, NONE, OLD_LISTENER } from './rig/filter-stage.ts';
import { PROGRAM, type TcpScript } from '../support/script.ts';
import { A_LISTENER, all, NO_LISTENER, NOTHING, seenAt, talk } from './rig/talk.ts';
import type { Seen, TalkOptions } from './rig/talk.ts';

const everything = (n: number): Seen => ({ client: all(n), server: all(n), listener: A_LISTENER });

describe('filters', () => {
  const cleanup = new Cleanup();
  let stage: FilterStage;
  let script: TcpScript;
  let other: TcpScript;

  before(() => {
    stage = new FilterStage(cleanup);
    script = stage.script;
    other = stage.start(stage.room);
  });
  after(() => cleanup.run());

  const filter: FilterStage['filter'] = (...lists) => stage.filter(...lists);
  const exclude: FilterStage['exclude'] = (...rules) => stage.exclude(...rules);

  async function expect(connections: number, wanted: Seen, by = script, options: TalkOptions = {}) {
    assert.deepEqual(seenAt(stage.watcher, await talk(by, connections, options)), wanted);
  }

  /** Connections to a listener that was open before the filter, whose rules name its port. */
  async function expectAtPort(setFilter: (port: number) => void, wanted: Seen): Promise<void> {
    filter([]);
    const at = await script.listen();
    setFilter(at.port);
    await expect(3, wanted, script, { at });
  }

  test('none: everything is seen', async () => {
    filter([]);
    await expect(3, everything(3));
    await expect(3, everything(3), script, { family: 6 });
  });

  test('by port of either end', async () => {
    await expectAtPort((port) => exclude({ port }), { ...NONE, listener: OLD_LISTENER });
    await expectAtPort((port) => exclude({ port: port === 7 ? 11 : 7 }), everything(3));
    await expectAtPort((port) => filter([{ port }]), everything(3));
    await expectAtPort(() => filter([{ port: 7 }]), { ...NONE, listener: OLD_LISTENER });
  });

  test('by port of one end', async () => {
    const client = all(3);
    const server = all(3);
    await expectAtPort((port) => exclude({ remote_port: port }), { ...everything(3), client: NOTHING });
    await expectAtPort((port) => exclude({ local_port: port }), { ...NONE, client, listener: OLD_LISTENER });
    await expectAtPort((port) => filter([{ local_port: port }]), { ...NONE, server, listener: A_LISTENER });
    await expectAtPort((port) => filter([{ remote_port: port }]), {
      ...NONE,
      client,
      listener: OLD_LISTENER,
    });
  });

  test('by the local port that connect() chose', async () => {
    const local = 42_001;
    const listeners = [await script.listen(), await script.listen()];
    stage.room.sysctl('net/ipv4/ip_local_port_range', `${local} ${local}`);
    for (const [i, at] of listeners.entries()) {
      if (i === 0) exclude({ local_port: local });
      else filter([{ local_port: local }]);
      await talk(script, 1, { at });
      assert.deepEqual(seenAt(stage.watcher, at.port).client, i === 0 ? NOTHING : all(1));
    }
    stage.room.sysctl('net/ipv4/ip_local_port_range', '32768 60999');
  });

  test('by pid', async () => {
    exclude({ pid: script.pid });
    await expect(5, NONE);
    await expect(3, everything(3), other);
    filter([{ pid: script.pid }]);
    await expect(5, everything(5));
    await expect(3, NONE, other);
    // One end each: the client's process, then the server's.
    await expect(3, { ...NONE, client: all(3) }, script, { acceptor: other });
    await expect(3, { ...everything(3), client: NOTHING }, other, { acceptor: script });
  });

  const networks = [
    ['127.0.0.0/8', true, false],
    ['127.0.0.1/32', true, false],
    ['127.0.0.2/31', false, false],
    ['0.0.0.0/0', true, false],
    ['::1/128', false, true],
    ['::/0', false, true],
    ['fd00::/8', false, false],
  ] as const;
  for (const [cidr, four, six] of networks) {
    test(`by the peer's address, ${cidr}`, async () => {
      // A listener has no peer.
      const excluded = (isIn: boolean): Seen => (isIn ? { ...NONE, listener: A_LISTENER } : everything(3));
      const included = (isIn: boolean): Seen => (isIn ? { ...everything(3), listener: NO_LISTENER } : NONE);
      exclude({ cidr });
      await expect(3, excluded(four));
      await expect(3, excluded(six), script, { family: 6 });
      filter([{ cidr }]);
      await expect(3, included(four));
      await expect(3, included(six), script, { family: 6 });
    });
  }

  test('by command', async () => {
    const program = join(cleanup.makeFolder(), 'fifteen-letters');
    copyFileSync(PROGRAM, program);
    const named = stage.start(stage.room, { program });
    exclude({ command: 'fifteen-letters' });
    await expect(5, NONE, named);
    await expect(3, everything(3));
    exclude({ command: 'fifteen' });
    await expect(5, everything(5), named);
    filter([{ command: 'fifteen-letters' }]);
    await expect(5, everything(5), named);
    await expect(3, NONE);
  });

  test('by the name of the executable, where the command is another', async () => {
    const folder = cleanup.makeFolder();
    const interpreter = join(folder, 'interpreter-of-it');
    const program = join(folder, 'application');
    copyFileSync(PROGRAM, interpreter);
    writeFileSync(program, `#!${interpreter}\n`, { mode: 0o755 });
    const named = stage.start(stage.room, { program });
    for (const command of ['application', 'interpreter-of-']) {
      exclude({ command });
      await expect(5, NONE, named);
      await expect(3, everything(3));
      // One that is not known yet.
      await expect(5, NONE, stage.start(stage.room, { program }));
      filter([{ command }]);
      await expect(5, everything(5), named);
      await expect(3, NONE);
    }
    for (const command of ['interpreter', 'interpreter-of', 'interpreter-of1', 'app']) {
      exclude({ command });
      await expect(5, everything(5), named);
    }
    assert.equal(readFileSync(`/proc/${named.pid}/comm`, 'utf8'), 'application\n');
  });

  test('by cgroup, with what is below it', { skip: !hasV2 && 'no cgroup v2' }, async () => {
    const name = `/${stage.room.name}`;
    const folder = join(stage.room.cgroup ?? '', 'child', 'below');
    mkdirSync(folder, { recursive: true });
    cleanup.add(() => rmdirSync(join(folder, '..')));
    cleanup.add(() => rmdirSync(folder));
    const below = stage.start(stage.room, { cgroup: folder });
    const outside = stage.start(stage.makeRoom());
    exclude({ cgroup: name });
    // One that was known before, one that is new, and one of another group.
    await expect(5, NONE);
    await expect(5, NONE, below);
    await expect(3, everything(3), outside);
    exclude({ cgroup: `${name}/child` });
    await expect(5, everything(5));
    await expect(5, NONE, below);
    filter([{ cgroup: `${name}/child` }, { cgroup: `${name}/child/below` }]);
    await expect(5, NONE);
    await expect(5, everything(5), below);
    filter([{ cgroup: '/' }]);
    await expect(3, everything(3), outside);
    filter([{ cgroup: `${name}/no-such` }]);
    await expect(5, NONE);
  });

  test('by network namespace', async () => {
    const elsewhere = stage.start(stage.makeRoom());
    exclude({ netns: stage.room.inode });
    await expect(5, NONE);
    await expect(3, everything(3), elsewhere);
    filter([{ netns: stage.room.inode }]);
    await expect(5, everything(5));
    await expect(3, NONE, elsewhere);
  });

  test('a rule wants all that it says, a list wants any rule, and an exclude wins', async () => {
    const [pid, netns] = [script.pid, stage.room.inode];
    filter([{ pid, netns }]);
    await expect(3, everything(3));
    filter([{ pid, netns: netns + 1 }]);
    await expect(3, NONE);
    filter([{ pid: 1 }, { pid }]);
    await expect(3, everything(3));
    filter([{ pid }], [{ netns }]);
    await expect(3, NONE);
  });

  test('as many rules as there may be', async () => {
    const others = Array.from({ length: 15 }, (_, i) => ({ pid: script.pid, port: i + 1 }));
    filter([...others, { pid: script.pid }], [...others, { port: 16 }]);
    await expect(3, everything(3));
    filter([...others, { port: 17 }], [...others, { pid: script.pid }]);
    await expect(3, NONE);
    assert.throws(() => filter([...others, ...others, { port: 18 }, { port: 19 }, { port: 20 }]), RangeError);
    // The filter before is still in force.
    await expect(3, NONE);
  });
});
