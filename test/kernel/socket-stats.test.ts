/** Stats of the close record and RTT samples, against `getsockopt(TCP_INFO)` just before the close. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tickNs } from '../../native/index.ts';
import type { ConnectionRecord } from '../../receiver/model/record.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { Conversation, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';

const LOSSES = 7;
const BEHIND = 5;
const SMALL_BUFFER = '4096 8192 8192';
/** More than the receiver takes, less than the sender may queue. */
const FILL = 40_009;
const CLIENT = 1;
const SAMPLES = 3;
/** Bounds of wirespan.tcp.rtt, then the bucket without one; the sum comes after. */
const RTT_BUCKETS = 16;
const DELAY_MS = 10;

/** Some hosts skip a program now and then, and what others do may fill the ring. */
class NotSeen extends Error {}
const ATTEMPTS = 5;

/** Plays a scene until its close was seen; all else that is wrong fails at once. */
function scene(name: string, play: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await play(t);
      } catch (error) {
        if (!(error instanceof NotSeen) || attempt === ATTEMPTS) throw error;
      }
    }
  });
}

describe('figures of a connection', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
    stage.room.sysctl('net/ipv4/tcp_rmem', SMALL_BUFFER);
    await listen();
  });
  after(() => cleanup.run());

  const info = (socket: number, stat: string): Promise<number> => stage.script.run('info', socket, stat);

  /** The close record of one end. */
  function closeOf(c: Conversation, end: 'client' | 'server'): ConnectionRecord {
    const found = stage.watcher.records().findLast((record): record is ConnectionRecord => {
      if (record.kind !== 'close' || record.netns !== stage.room.inode) return false;
      const { localPort, peerPort } = record.endpoints;
      return (end === 'client' ? localPort : peerPort) === c.localPort && record.role === end;
    });
    if (found === undefined) throw new NotSeen(`no close record of the ${end}`);
    return found;
  }

  async function opened(): Promise<Conversation> {
    const c = await Conversation.openSilent(stage);
    c.spare();
    await c.write('so that there is a round-trip time');
    await c.settle();
    return c;
  }

  /** Both ends at once, without a FIN whose acknowledgement would be one more sample. */
  async function reset(c: Conversation): Promise<void> {
    await stage.script.run('reset', c.client);
    await stage.script.run('close', c.server);
  }

  scene('segments out of order', async () => {
    const c = await opened();
    for (let i = 0; i < LOSSES; i += 1) {
      c.lose();
      await c.write('lost');
      c.spare();
      for (let j = 0; j < BEHIND; j += 1) await c.write('arrives early');
      await c.settle();
    }
    const [server, client] = [await info(c.server, 'rcv_ooopack'), await info(c.client, 'rcv_ooopack')];
    await reset(c);
    // How many come before the lost one is sent again is the kernel's choice.
    assert.ok(server >= LOSSES && server <= LOSSES * BEHIND, `${server} of ${LOSSES} losses`);
    assert.equal(closeOf(c, 'server').segmentsOutOfOrder, server);
    assert.equal(closeOf(c, 'client').segmentsOutOfOrder, client);
  });

  scene('a receiver that does not read, and then does', async () => {
    const c = await opened();
    await stage.script.run('fill', c.client, FILL);
    c.noteWritten(FILL);
    await waitFor('the window to be full', async () => (await info(c.client, 'rwnd_limited')) > 200_000);
    await c.settle();
    const limited = await info(c.client, 'rwnd_limited');
    await reset(c);
    assert.equal(closeOf(c, 'client').receiveWindowLimitedUs, limited);
    assert.equal(closeOf(c, 'server').receiveWindowLimitedUs, 0);
  });

  scene('a receiver that never reads', async () => {
    const c = await opened();
    await stage.script.run('fill', c.client, FILL);
    await waitFor('the window to be full', async () => (await info(c.client, 'rwnd_limited')) > 100_000);
    const start = process.hrtime.bigint();
    const limited = await info(c.client, 'rwnd_limited');
    await reset(c);
    const passed = Number(process.hrtime.bigint() - start) / 1e3;
    const { receiveWindowLimitedUs: shown } = closeOf(c, 'client');
    assert.ok(shown >= limited, `${shown} µs, ${limited} before the close`);
    assert.ok(shown <= limited + passed + tickNs() / 1e3, `${shown} µs, ${limited} + ${passed}`);
  });

  scene('retransmission timeout, backed off', async () => {
    const c = await opened();
    const usual = await info(c.client, 'rto');
    c.lose(100);
    await c.write('lost again and again');
    await waitFor('two timeouts', async () => (await info(c.client, 'rto')) >= usual * 4);
    const rto = await info(c.client, 'rto');
    await reset(c);
    c.spare();
    assert.equal(closeOf(c, 'client').rtoUs, rto);
  });

  for (const delayMs of [0, DELAY_MS]) {
    scene(`round-trip time and variation, a sample a pass and one at the close: ${delayMs} ms`, async (t) => {
      if (delayMs > 0 && !delay(delayMs)) return t.skip('the kernel has no netem');
      const { port } = await listen();
      const c = await opened();
      await sleep(2 * delayMs);
      const truth = { rtt: await info(c.client, 'rtt'), rtt_variation: await info(c.client, 'rttvar') };
      for (let i = 0; i < SAMPLES - 1; i += 1) stage.watcher.pass();
      await reset(c);
      const close = closeOf(c, 'client');
      for (const [field, us] of Object.entries(truth) as [keyof typeof truth, number][]) {
        const rows = stage.watcher.series().filter((row) => row.port === port && row.role === CLIENT);
        const sum = (index: number): number => rows.reduce((all, row) => all + row.sum(field, index), 0);
        const counts = Array.from({ length: RTT_BUCKETS }, (_, index) => sum(index));
        assert.equal(
          counts.reduce((all, n) => all + n, 0),
          SAMPLES,
          field,
        );
        assert.equal(sum(RTT_BUCKETS), SAMPLES * us * 1000, `${field}, ns`);
      }
      assert.equal(close.rttSmoothedUs, truth.rtt);
      assert.ok(close.rttSmoothedUs >= 2 * delayMs * 1000, `${close.rttSmoothedUs} µs`);
    });
  }

  /** Every packet of the room comes so much later; false where the kernel cannot. */
  function delay(ms: number): boolean {
    const qdisc = ['tc', 'qdisc', 'replace', 'dev', 'lo', 'root', 'netem', 'delay', `${ms}ms`];
    return spawnSync('ip', ['netns', 'exec', stage.room.name, ...qdisc]).status === 0;
  }

  /** A port of the test's own, for a row of its own. */
  async function listen(): Promise<{ port: number }> {
    const fresh = await stage.script.listen();
    stage = { ...stage, ...fresh };
    return fresh;
  }
});
