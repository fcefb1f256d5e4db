/** Loss made on purpose: metrics and events, as the collector wrote them, against the namespace's own counters. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Dropper } from '../support/dropper.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { hex, TcpScript } from '../support/script.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Observation, Output } from './observe.ts';
import { findEvents, totalOf } from './otlp.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const TYPES = ['fast', 'timeout', 'tail_loss_probe', 'syn', 'syn_ack', 'other'] as const;
type Counts = Record<(typeof TYPES)[number], number>;

const ROUNDS = 3;
const MSS = 1_000;
/** Fewer than the first congestion window holds. */
const BUNDLE = 8;

describe('retransmits over OTLP', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let script: TcpScript;
  let dropper: Dropper;
  let observation: Observation;
  let [listener, port] = [0, 0];

  before(async () => {
    await buildWorkloads();
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    script = TcpScript.start(room);
    cleanup.add(() => script.stop());
    dropper = Dropper.attach(room);
    cleanup.add(() => dropper.close());
    ({ listener, port } = await script.listen());
    observation = await observe(cleanup, { settings: { WIRESPAN_EVENTS_TCP_RETRANSMIT: 'on' } });
  });
  after(() => cleanup.run());

  /** One connection, with a round-trip time, for `play`; it returns how many bytes it wrote. */
  async function onOne(play: (client: number) => Promise<number>, mss = 0): Promise<void> {
    const [client, server] = [script.next(), script.next()];
    dropper.spareNew(port);
    await script.run('socket', client, mss);
    await script.run('connect', client, port);
    await script.run('accept', server, listener);
    await script.run('nodelay', client);
    await script.run('write', client, hex('first'));
    await script.run('read', server, 5);
    await waitFor('the acknowledgement', async () => (await script.run('unacked', client)) === 0);
    await script.run('read', server, await play(client));
    await waitFor('the acknowledgement', async () => (await script.run('unacked', client)) === 0);
    await script.run('close', client);
    await script.run('close', server);
  }

  /** Loses the next write, so many copies of it, then `behind` more arrive. */
  async function lose(client: number, copies: number, behind: number): Promise<number> {
    dropper.lose(port, { copies });
    await script.run('write', client, hex('lost'));
    if (behind > 0) dropper.spareNew(port, copies);
    for (let i = 0; i < behind; i += 1) await script.run('write', client, hex('late'));
    return 4 * (behind + 1);
  }

  async function loseBundle(client: number): Promise<number> {
    dropper.lose(port);
    await script.run('fill', client, BUNDLE * MSS);
    dropper.spareNew(port);
    return BUNDLE * MSS;
  }

  /** Every other packet of these flags. */
  async function loseHandshake(rule: string): Promise<void> {
    room.filter(`${rule} numgen inc mod 2 0 drop`);
    await onOne(async () => 0);
    room.filter();
  }

  async function playAll(): Promise<void> {
    for (let i = 0; i < 5; i += 1) await onOne((c) => lose(c, 1, 0));
    for (let i = 0; i < 7; i += 1) await onOne((c) => lose(c, 1, 5));
    for (let i = 0; i < 2; i += 1) await onOne((c) => lose(c, 3, 0));
    for (let i = 0; i < 3; i += 1) await onOne(loseBundle, MSS);
    await loseHandshake(`tcp dport ${port} tcp flags & (syn | ack) == syn`);
    await loseHandshake(`tcp sport ${port} tcp flags & (syn | ack) == (syn | ack)`);
  }

  const pids = (): ReadonlySet<number> => new Set([script.pid]);
  const byType = (count: (type: string) => number): Counts =>
    Object.fromEntries(TYPES.map((type) => [type, count(type)])) as Counts;
  const measured = ({ metrics }: Output): Counts =>
    byType((type) =>
      totalOf(metrics, 'wirespan.tcp.retransmits', {
        pids: pids(),
        attributes: { 'wirespan.tcp.retransmit.type': type },
      }),
    );
  const told = ({ logs }: Output): Counts =>
    byType((type) =>
      findEvents(logs, 'wirespan.tcp.retransmit', {
        pids: pids(),
        attributes: { 'wirespan.tcp.retransmit.type': type },
      }).reduce((sum, { attributes }) => sum + Number(attributes['wirespan.tcp.retransmit.segments']), 0),
    );
  const sum = (counts: Counts): number => Object.values(counts).reduce((all, n) => all + n, 0);

  /** What the kernel counts; the first segment of a timeout is in no count but that of all. */
  function truth(): Counts {
    const counter = room.counters();
    const [all, fast] = [counter('TcpRetransSegs'), counter('TcpExtTCPFastRetrans')];
    const [probes, handshake] = [counter('TcpExtTCPLossProbes'), counter('TcpExtTCPSynRetrans')];
    const timeout = all - fast - probes - handshake;
    return { fast, timeout, tail_loss_probe: probes, syn: handshake, syn_ack: 0, other: 0 };
  }

  /** The kernel has one count for SYN and SYN-ACK. */
  const oneHandshake = ({ syn, syn_ack, ...rest }: Counts) => ({ ...rest, handshake: syn + syn_ack });

  it('sums to TcpRetransSegs, of each type what the kernel counts for its cause', async (t) => {
    for (let round = 1; ; round += 1) {
      await playAll();
      const kernel = truth();
      const isThere = (): boolean => sum(measured(observation.read())) >= sum(kernel);
      await waitFor('an export of all retransmits', isThere, 10_000).catch(() => undefined);
      const have = measured(observation.read());
      assert.equal(sum(have), sum(kernel), JSON.stringify({ have, kernel }));
      // On some hosts a program is skipped now and then in a timer: counted as `other`, never lost.
      if (have.other > 0 && round < ROUNDS) continue;
      t.diagnostic(JSON.stringify(have));
      assert.deepEqual(oneHandshake(have), oneHandshake(kernel));
      assert.ok(have.syn > 0 && have.syn_ack > 0 && have.tail_loss_probe > 0 && have.timeout > 0);
      return;
    }
  });

  it('has an event for each, which counts its segments; nothing is told twice', async () => {
    const output = await observation.finish();
    assert.deepEqual(told(output), { ...measured(output), other: 0 });
    const events = findEvents(output.logs, 'wirespan.tcp.retransmit', { pids: pids() });
    const segments = events.map(({ attributes }) => Number(attributes['wirespan.tcp.retransmit.segments']));
    assert.ok(Math.max(...segments) > 1, 'no bundle was sent again');
    for (const { attributes } of events) {
      const isServer = attributes['wirespan.tcp.retransmit.type'] === 'syn_ack';
      assert.equal(attributes['wirespan.tcp.handshake.role'], isServer ? 'server' : 'client');
      assert.equal(attributes['server.port'], port);
      assert.equal(attributes['network.peer.address'], '127.0.0.1');
    }
  });
});
