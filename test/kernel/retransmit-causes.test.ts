/** Segments sent again for causes that look like others: against the kernel's own counts. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RETRANSMIT_TYPE } from '../../receiver/decode/generated/layout.ts';
import { Cleanup } from '../support/cleanup.ts';
import { RAW_PACKET } from '../support/drop-stage.ts';
import { hex } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import type { Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';

describe('causes of retransmits', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
  });
  after(() => cleanup.run());

  interface Totals {
    /** Segments of the script by `enum retransmit_type`. */
    readonly types: readonly number[];
    /** Those that no event told of. */
    readonly untold: number;
    /** Runs of the program that the kernel skipped, on the whole machine. */
    readonly skipped: number;
    /** The kernel's own counts, of all segments and of the handshakes'. */
    readonly kernel: number;
    readonly handshake: number;
  }

  function totals(): Totals {
    const rows = stage.watcher.series().filter(({ pid }) => pid === stage.script.pid);
    const sum = (field: 'retransmits' | 'segments_retransmitted', index = 0): number =>
      rows.reduce((total, row) => total + row.sum(field, index), 0);
    const types = Object.values(RETRANSMIT_TYPE)
      .slice(0, 6)
      .map((index) => sum('retransmits', index));
    const counter = stage.room.counters();
    const misses = stage.watcher.source.recursionMisses();
    return {
      types,
      untold: sum('segments_retransmitted') - types.reduce((total, n) => total + n, 0),
      skipped: misses.find(({ probe }) => probe === 'tcp_retransmit_skb')?.missed ?? 0,
      kernel: counter('TcpRetransSegs'),
      handshake: counter('TcpExtTCPSynRetrans'),
    };
  }

  /** What came since `start`. */
  function gained(start: Totals): Totals {
    const now = totals();
    return {
      types: now.types.map((n, type) => n - (start.types[type] ?? 0)),
      untold: now.untold - start.untold,
      skipped: now.skipped - start.skipped,
      kernel: now.kernel - start.kernel,
      handshake: now.handshake - start.handshake,
    };
  }

  /** All segments that the kernel counts are told with this type, but for those whose program it skipped. */
  function assertAll(type: keyof typeof RETRANSMIT_TYPE, { types, untold, skipped, kernel }: Totals): void {
    const told = kernel - untold;
    assert.deepEqual(
      types,
      types.map((_, index) => (index === RETRANSMIT_TYPE[type] ? told : 0)),
    );
    // One run may be for several segments.
    if (skipped === 0) assert.equal(untold, 0);
    else assert.ok(untold >= 0 && told >= 0, `${untold} of ${kernel} are not told`);
  }

  test('data of a Fast Open that the server refused is sent again after no timeout', async () => {
    const { script, room, port, listener } = stage;
    // Clients send it without a cookie, and the listener takes none.
    room.sysctl('net/ipv4/tcp_fastopen', '5');
    const start = totals();
    for (let i = 0; i < 7; i += 1) {
      const [client, server] = [script.next(), script.next()];
      await script.run('socket', client);
      await script.run('fast', client, port, hex('early'));
      await script.run('accept', server, listener);
      await script.run('read', server, 5);
      await script.run('close', client);
      await script.run('close', server);
    }
    const gain = gained(start);
    assert.equal(gain.kernel, 7);
    assertAll('RETRANSMIT_OTHER', gain);
    assert.equal(room.counter('TcpExtTCPTimeouts'), 0);
  });

  test('segments that are too long for the path are sent again after no timeout', async () => {
    const { script, room } = stage;
    // No timer of TCP comes before the answer of the path.
    room.sysctl('net/ipv4/tcp_early_retrans', '0');
    room.exec('ip', ...'route change table local local 127.0.0.1 dev lo rto_min 30s'.split(' '));
    const { listener, port } = await script.listen();
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    const sport = await script.run('connect', client, port);
    await script.run('accept', server, listener);
    const seq = await script.run('next', client, 1);
    const [start, timeouts] = [totals(), room.counter('TcpExtTCPTimeouts')];
    room.filter(`tcp dport ${port} drop`);
    await script.run('fill', client, 9_000);
    room.filter();
    const too = { sport, dport: port, seq, mtu: 1_500 };
    room.exec(RAW_PACKET, ...Object.entries(too).map(([name, value]) => `${name}=${value}`));
    await script.run('read', server, 9_000);
    await script.run('close', client);
    await script.run('close', server);
    const gain = gained(start);
    assert.ok(gain.kernel >= 1, `${gain.kernel}`);
    assertAll('RETRANSMIT_OTHER', gain);
    assert.equal(room.counter('TcpExtTCPTimeouts') - timeouts, 0);
  });

  test('SYNs that a local rule stops are SYNs, of attempts that succeed and that fail', async () => {
    const { script, room, port, listener } = stage;
    const start = totals();
    room.filterOutput(`tcp dport ${port} tcp flags & (syn | ack) == syn drop`);
    const clients = [script.next(), script.next(), script.next()];
    for (const client of clients) {
      await script.run('socket', client);
      await script.run('try-connect', client, port);
    }
    await waitFor('each to be sent again', () => gained(start).handshake >= clients.length);
    await script.run('close', clients[2] ?? 0);
    room.filterOutput();
    for (const client of clients.slice(0, 2)) {
      const server = script.next();
      await script.run('accept', server, listener);
      await script.run('close', client);
      await script.run('close', server);
    }
    const gain = gained(start);
    const { kernel, handshake } = gain;
    assert.ok(kernel >= clients.length && kernel === handshake, `${kernel} ${handshake}`);
    assertAll('RETRANSMIT_SYN', gain);
  });
});
