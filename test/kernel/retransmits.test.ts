/** Retransmissions by type, against the kernel's own count of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RETRANSMIT_TYPE } from '../../receiver/decode/generated/layout.ts';
import { Cleanup } from '../support/cleanup.ts';
import { Conversation, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';

type Type = 'fast' | 'timeout' | 'tail_loss_probe' | 'syn' | 'syn_ack' | 'other';
const TYPES: Readonly<Record<Type, number>> = {
  fast: RETRANSMIT_TYPE.RETRANSMIT_FAST,
  timeout: RETRANSMIT_TYPE.RETRANSMIT_TIMEOUT,
  tail_loss_probe: RETRANSMIT_TYPE.RETRANSMIT_TLP,
  syn: RETRANSMIT_TYPE.RETRANSMIT_SYN,
  syn_ack: RETRANSMIT_TYPE.RETRANSMIT_SYN_ACK,
  other: RETRANSMIT_TYPE.RETRANSMIT_OTHER,
};
const ATTEMPTS = 5;
const MSS = 1_000;
/** Fewer than the first congestion window holds. */
const SEGMENTS = 8;

/** The kernel's own counts by cause (include/uapi/linux/snmp.h), in segments but for its timers'. */
const CAUSES = {
  fast: 'TcpExtTCPFastRetrans',
  slowStart: 'TcpExtTCPSlowStartRetrans',
  probes: 'TcpExtTCPLossProbes',
  handshake: 'TcpExtTCPSynRetrans',
} as const;

interface Totals {
  /** Segments that the namespace sent again, by the kernel's statistics. */
  readonly kernel: number;
  readonly causes: Readonly<Record<keyof typeof CAUSES, number>>;
  /** Segments that the process's sockets sent again, by `tcp_sock.total_retrans` at their close. */
  readonly sockets: number;
  readonly types: Readonly<Record<Type, number>>;
}

describe('retransmits', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
  });
  after(() => cleanup.run());

  function totals(): Totals {
    const rows = stage.watcher.series().filter(({ pid }) => pid === stage.script.pid);
    const sum = (field: 'retransmits' | 'segments_retransmitted', index = 0): number =>
      rows.reduce((total, row) => total + row.sum(field, index), 0);
    const types = Object.entries(TYPES).map(([type, index]) => [type, sum('retransmits', index)]);
    const counter = stage.room.counters();
    const causes = Object.entries(CAUSES).map(([cause, name]) => [cause, counter(name)]);
    return {
      kernel: counter('TcpRetransSegs'),
      causes: Object.fromEntries(causes) as Totals['causes'],
      sockets: sum('segments_retransmitted'),
      types: Object.fromEntries(types) as Record<Type, number>,
    };
  }

  /** Each type is what the kernel counts for its cause. */
  function checkCauses(before: Totals, now: Totals): void {
    const types = (type: Type): number => now.types[type] - before.types[type];
    const causes = (cause: keyof typeof CAUSES): number => now.causes[cause] - before.causes[cause];
    assert.deepEqual(
      { fast: types('fast'), probes: types('tail_loss_probe'), handshake: types('syn') + types('syn_ack') },
      { fast: causes('fast'), probes: causes('probes'), handshake: causes('handshake') },
    );
    // The first segment of a timeout is in no count of segments.
    assert.ok(types('timeout') >= causes('slowStart'));
    assert.equal(types('other'), 0);
  }

  /** Segments in the records after the first so many, by type. */
  function segmentsOfRecords(from: number): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { type, segments } of stage.watcher.retransmits(stage.room.inode).slice(from))
      sums[type] = (sums[type] ?? 0) + segments;
    return sums;
  }

  /**
   * Plays until everything was seen; how many of each type. Some hosts skip a program now and then, and what
   * others do on the machine may fill the ring: both only ever make less of it.
   */
  async function typesOf(play: () => Promise<void>): Promise<Partial<Record<Type, number>>> {
    for (let attempt = 1; ; attempt += 1) {
      const [before, records] = [totals(), stage.watcher.retransmits(stage.room.inode).length];
      const lost = stage.watcher.countAll('LOST_RING_FULL');
      await play();
      const now = totals();
      const gained = Object.entries(now.types).map(
        ([type, n]) => [type, n - before.types[type as Type]] as const,
      );
      const seen = gained.reduce((sum, [, n]) => sum + n, 0);
      const sent = now.kernel - before.kernel;
      const synAcks = now.types.syn_ack - before.types.syn_ack;
      assert.ok(sent > 0, 'the scene lost nothing');
      assert.ok(seen <= sent, `${seen} seen, ${sent} sent`);
      const bySockets = now.sockets - before.sockets;
      assert.ok(bySockets <= sent - synAcks, `${bySockets} by sockets, ${sent - synAcks} sent`);
      const told = segmentsOfRecords(records);
      const isLost = stage.watcher.countAll('LOST_RING_FULL') > lost;
      if (seen === sent && bySockets === sent - synAcks && !isLost) {
        checkCauses(before, now);
        const types = Object.fromEntries(gained.filter(([, n]) => n > 0));
        assert.deepEqual(told, types, 'the records tell the same');
        return types;
      }
      const found = `${seen} of ${sent} seen, ${bySockets} by sockets, ${isLost ? 'records lost' : 'no record lost'}`;
      assert.ok(attempt < ATTEMPTS, `${found}, ${ATTEMPTS} times over`);
    }
  }

  /** Plays the same on so many connections, one after the other. */
  async function onEach(
    connections: number,
    play: (c: Conversation) => Promise<void>,
    how: { readonly mss?: number } = {},
  ): Promise<void> {
    for (let i = 0; i < connections; i += 1) {
      const c = await Conversation.openSilent(stage, how);
      c.spare();
      await c.write('so that there is a round-trip time');
      await c.settle();
      await play(c);
      await c.settle();
      await c.close();
    }
  }

  test('the last segment: tail loss probe', async () => {
    const types = await typesOf(() =>
      onEach(7, async (c) => {
        c.lose();
        await c.write('a segment');
      }),
    );
    assert.deepEqual(types, { tail_loss_probe: 7 });
  });

  test('the probe is lost, too: timeout', async () => {
    const types = await typesOf(() =>
      onEach(3, async (c) => {
        c.lose(2);
        await c.write('a segment');
      }),
    );
    assert.deepEqual(types, { tail_loss_probe: 3, timeout: 3 });
  });

  test('one of many: fast', async () => {
    const countProbes = (): number => stage.room.counter('TcpExtTCPLossProbes');
    let before = 0;
    const types = await typesOf(() => {
      before = countProbes();
      return onEach(11, async (c) => {
        c.lose();
        await c.write('lost');
        c.spare();
        for (let i = 0; i < 5; i += 1) await c.write('arrives');
      });
    });
    // A machine that stalls, such as an emulated one, sends probes as well: as many as the kernel says.
    const probes = countProbes() - before;
    assert.deepEqual(types, { fast: 11, ...(probes > 0 && { tail_loss_probe: probes }) });
  });

  test('everything for a while: timeouts that back off', async () => {
    const types = await typesOf(() =>
      onEach(2, async (c) => {
        c.lose(4);
        await c.write('a segment');
      }),
    );
    assert.deepEqual(types, { tail_loss_probe: 2, timeout: 6 });
  });

  test('several segments at once', async () => {
    const events = stage.watcher.retransmits(stage.room.inode).length;
    let bundles = 0;
    const types = await typesOf(() =>
      onEach(
        3,
        async (c) => {
          c.lose();
          await stage.script.run('fill', c.client, SEGMENTS * MSS);
          c.noteWritten(SEGMENTS * MSS);
          c.spare();
          await c.settle();
          bundles += c.retransmits().filter(({ record }) => record.segments > 1).length;
        },
        { mss: MSS },
      ),
    );
    const records = stage.watcher.retransmits(stage.room.inode).slice(events);
    const segments = records.reduce((sum, { segments: n }) => sum + n, 0);
    assert.ok(bundles > 0 && segments > records.length, `${segments} segments in ${records.length} events`);
    assert.ok((types.fast ?? 0) + (types.timeout ?? 0) >= 3 * 2, JSON.stringify(types));
  });

  test('the handshake: SYN', async () => {
    stage.room.filter(`tcp dport ${stage.port} tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop`);
    const types = await typesOf(() => onEach(2, async () => undefined));
    stage.room.filter();
    assert.deepEqual(types, { syn: 2 });
  });

  test('the handshake: SYN-ACK', async () => {
    const lost = `tcp sport ${stage.port} tcp flags & (syn | ack) == (syn | ack)`;
    const types = await typesOf(async () => {
      stage.room.filter(`${lost} numgen inc mod 2 0 drop`);
      await onEach(2, async () => undefined);
      stage.room.filter();
    });
    assert.deepEqual(
      Object.keys(types).filter((type) => type !== 'syn'),
      ['syn_ack'],
    );
    // The client's own timer may fire in the same tick, and a second SYN asks for a second SYN-ACK.
    assert.ok((types.syn_ack ?? 0) >= 2 && (types.syn ?? 0) <= 2, JSON.stringify(types));
  });

  test('none', () => {
    const before = totals();
    assert.deepEqual(totals(), before);
    assert.equal(before.types.other, 0);
  });
});
