/** Resets against a capture of the wire: each RST that leaves or is taken is counted and told, and nothing else is. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { DropStage, type Pair } from '../support/drop-stage.ts';
import { hasDropReceiver, hasResetReason } from '../support/kernel-abilities.ts';
import { waitFor } from '../support/wait.ts';
import { CLOSED_PORT } from './rig/drop-scenes.ts';
import { ResetCapture } from './rig/reset-capture.ts';
import { ResetCounts } from './rig/reset-counts.ts';

const SYN = 2;
const RST = 4;
const RAW_PORT = 30_000;
const HALF_OPEN_PORT = 31_000;

/** How often each scene is played. */
const [ABORTED, UNREAD, REFUSED, NOBODYS, HALF_OPEN, SHUT_DATA, SHUT_RESET, INJECTED, CHALLENGED] = [
  7, 5, 3, 11, 40, 6, 4, 2, 9,
];

/** Sent since the application asked for it (SO_LINGER 0), and by a socket at all. */
const CHOSEN = ABORTED + SHUT_RESET + INJECTED + CHALLENGED;
const OF_SOCKETS = CHOSEN + UNREAD + SHUT_DATA;
const SENT = OF_SOCKETS + REFUSED + NOBODYS + HALF_OPEN;

const byName = (values: readonly string[]): string[] => [...values].sort();
/** `all` without one of each of `some`. */
function without(all: readonly string[], some: readonly string[]): string[] {
  const left = [...all];
  for (const each of some) left.splice(left.indexOf(each), left.includes(each) ? 1 : 0);
  return byName(left);
}

describe('resets, and a capture', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;
  let counts: ResetCounts;
  let capture: ResetCapture;

  before(async () => {
    stage = await DropStage.open(cleanup);
    counts = new ResetCounts(stage);
    capture = await ResetCapture.open(cleanup, stage.room);
  });
  after(() => cleanup.run());

  const run = (...words: [string, ...(string | number)[]]): Promise<number> => stage.script.run(...words);

  async function onEach(count: number, play: (pair: Pair) => Promise<unknown>): Promise<void> {
    for (let i = 0; i < count; i += 1) await play(await stage.connect());
  }

  const toServer = ({ clientPort }: Pair): string => `${clientPort} ${stage.port}`;

  /** One RST each but for the injected ones: they are two. Returns those that are not the kernel's, and those not taken. */
  async function play(): Promise<{ raw: string[]; ignored: string[] }> {
    const [raw, ignored]: [string[], string[]] = [[], []];
    await onEach(ABORTED, async ({ client, server }) => {
      await run('reset', client);
      await run('close', server);
    });
    await onEach(UNREAD, async ({ client, server }) => {
      await run('write', client, '6162');
      await run('close', server);
      await run('close', client);
    });
    for (let i = 0; i < REFUSED; i += 1) {
      const client = stage.script.next();
      await run('socket', client);
      await assert.rejects(run('connect', client, CLOSED_PORT), { errno: 111 });
      await run('close', client);
    }
    stage.send({ sport: RAW_PORT, dport: CLOSED_PORT, flags: SYN, count: NOBODYS });
    ignored.push(...Array.from({ length: NOBODYS }, () => `${CLOSED_PORT} ${RAW_PORT}`));
    stage.send({ sport: HALF_OPEN_PORT, dport: stage.port, flags: SYN, count: HALF_OPEN, step: 1 });
    await onEach(SHUT_DATA, async ({ client, server }) => {
      await run('shut', client);
      await run('write', server, '6162');
      await run('close', client);
      await run('close', server);
    });
    await onEach(SHUT_RESET, async ({ client, server }) => {
      await run('shut', client);
      await run('reset', server);
      await run('close', client);
    });
    await onEach(INJECTED, async (pair) => {
      const { clientPort, client, server, seq, ack } = pair;
      stage.send({ sport: clientPort, dport: stage.port, seq, ack, flags: RST });
      raw.push(toServer(pair));
      await run('close', server);
      // Its peer is no more: the listener takes no RST.
      await run('reset', client);
      ignored.push(toServer(pair));
    });
    await onEach(CHALLENGED, async (pair) => {
      const { clientPort, seq, ack } = pair;
      // In the window, but not the next byte: a challenge ACK answers it (RFC 5961).
      stage.send({ sport: clientPort, dport: stage.port, seq: (seq + 1) >>> 0, ack, flags: RST });
      raw.push(toServer(pair));
      ignored.push(toServer(pair));
      await run('reset', pair.client);
      await run('close', pair.server);
    });
    return { raw, ignored };
  }

  test('sums, events and statistics are those of the wire', async (t) => {
    let raw: string[] = [];
    let ignored: string[] = [];
    const had = { out: 0, in: 0 };
    const { sent, received, statistics, odd, events } = await counts.gainOf(async () => {
      const before = await capture.all();
      Object.assign(had, { out: before.out.length, in: before.in.length });
      ({ raw, ignored } = await play());
      await waitFor('all RSTs', async () => {
        const seen = await capture.all();
        return seen.in.length === seen.out.length;
      });
    });
    const seen = await capture.all();
    const wire = { out: seen.out.slice(had.out), in: seen.in.slice(had.in) };
    t.diagnostic(`${wire.out.length} RSTs on the wire`);
    assert.deepEqual(byName(wire.in), byName(wire.out));
    assert.equal(wire.out.length, SENT + raw.length);

    assert.equal(statistics.sent, without(wire.out, raw).length);
    // Both ends where both were established, else the one that was in CLOSE_WAIT.
    const twice = ABORTED + UNREAD + INJECTED + CHALLENGED;
    assert.equal(statistics.aborted, 2 * twice + SHUT_DATA + SHUT_RESET);
    assert.deepEqual(odd, { onData: CHOSEN + SHUT_DATA, embryonic: HALF_OPEN });

    const told = (direction: 'transmit' | 'receive'): string[] =>
      byName(
        events
          .filter((event) => event.direction === direction)
          .map(({ endpoints: { localPort, peerPort } }) =>
            direction === 'transmit' ? `${localPort} ${peerPort}` : `${peerPort} ${localPort}`,
          ),
      );
    const halfOpen = Array.from({ length: HALF_OPEN }, (_, i) => `${HALF_OPEN_PORT + i} ${stage.port}`);
    const refusals = wire.out.filter((ends) => ends.startsWith(`${CLOSED_PORT} `));
    const nobodys = [...refusals, ...halfOpen];
    assert.deepEqual(told('transmit'), without(wire.out, [...raw, ...nobodys]));
    assert.equal(sent.client + sent.server, OF_SOCKETS);
    if (hasResetReason(stage.watcher.source.plan)) assert.ok(sent.nobody >= nobodys.length);

    const unseen = hasDropReceiver(stage.watcher.source.plan) ? [] : halfOpen;
    assert.deepEqual(told('receive'), without(wire.in, [...ignored, ...unseen]));
    assert.equal(received.client + received.server, told('receive').length);
  });
});
