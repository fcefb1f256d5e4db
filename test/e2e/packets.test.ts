/** Drops, resets, full listen queues and softirqs as the collector wrote them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DropStage } from '../support/drop-stage.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Observation, Output } from './observe.ts';
import { findEvents, findPoints, histogramOf, totalOf, type Match } from './otlp.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const SYN = 2;
const DROPS = 13;
/** Before there is a socket: towards a connection, and towards a listener. */
const UNOWNED = [17, 11] as const;
const RESETS = 5;
const BACKLOG = 5;
const FLOOD = 31;

describe('packets over OTLP', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;
  let observation: Observation;
  let output: Output;
  let [dropPort, floodPort, fullPort] = [0, 0, 0];
  let [cookies, overflows] = [0, 0];

  before(async () => {
    await buildWorkloads();
    stage = await DropStage.open(cleanup);
    observation = await observe(cleanup, {
      settings: {
        WIRESPAN_EVENTS_PACKET_DROP: 'on',
        WIRESPAN_EVENTS_TCP_RESET: 'on',
        WIRESPAN_ATTRIBUTES_CODE_STACKTRACE: 'on',
        WIRESPAN_ATTRIBUTES_TCP_RESET_REASON: 'on',
        WIRESPAN_ATTRIBUTES_CPU_LOGICAL_NUMBER: 'on',
        WIRESPAN_METRICS_SOFTIRQ_WAIT_DURATION: 'on',
      },
    });
    await playAll();
    const done = (): boolean =>
      overflowsOf(observation.read()) >= overflows && synOverflowsOf(observation.read()) >= cookies;
    await waitFor('an export of all', done, 10_000).catch(() => undefined);
    output = await observation.finish();
  });
  after(() => cleanup.run());

  const pids = (): ReadonlySet<number> => new Set([stage.script.pid]);
  const overflowsOf = ({ metrics }: Output): number =>
    totalOf(metrics, 'wirespan.tcp.accept_queue.overflows', {
      pids: pids(),
      attributes: { 'server.port': fullPort },
    });
  const synOverflowsOf = ({ metrics }: Output): number =>
    totalOf(metrics, 'wirespan.tcp.syn_queue.overflows', {
      pids: pids(),
      attributes: { 'server.port': floodPort, 'wirespan.tcp.syn_queue.action': 'cookie' },
    });

  async function playAll(): Promise<void> {
    const { script, room } = stage;
    const pair = await stage.connect();
    dropPort = pair.clientPort;
    stage.send({ sport: dropPort, dport: stage.port, seq: pair.seq, ack: pair.ack, flags: 0, count: DROPS });
    const bad = { sport: dropPort, dport: stage.port, bad: 'tcp' };
    stage.send({ ...bad, seq: pair.seq, ack: pair.ack, count: UNOWNED[0] });
    stage.send({ ...bad, sport: 7, flags: SYN, count: UNOWNED[1] });
    await stage.close(pair);
    for (let i = 1; i < RESETS; i += 1) await stage.close(await stage.connect());
    ({ port: fullPort } = await script.listen('listen', 1));
    for (let i = 0; i < 2 + 7; i += 1) {
      const client = script.next();
      await script.run('socket', client);
      await script.run('try-connect', client, fullPort);
    }
    ({ port: floodPort } = await script.listen('listen', BACKLOG));
    room.filter(`tcp dport ${floodPort} tcp flags & rst == rst drop`);
    stage.send({ sport: 20_000, dport: floodPort, flags: SYN, count: BACKLOG + FLOOD, step: 1 });
    cookies = room.counter('TcpExtTCPReqQFullDoCookies');
    overflows = room.counter('TcpExtListenOverflows');
  }

  it('a drop event: reason, packet, function, stack, connection and owner', () => {
    const where: Match = { 'wirespan.packet.drop.reason': 'tcp_flags', 'source.port': dropPort };
    const events = findEvents(output.logs, 'wirespan.packet.drop', { attributes: where });
    assert.equal(events.length, DROPS);
    for (const { attributes, resource } of events) {
      assert.equal(resource['process.pid'] ?? attributes['process.pid'], stage.script.pid);
      assert.equal(attributes['source.address'], '127.0.0.1');
      assert.equal(attributes['destination.port'], stage.port);
      assert.equal(attributes['network.connection.state'], 'established');
      assert.match(String(attributes['code.function.name']), /^tcp_/);
      const stack = String(attributes['code.stacktrace']).split('\n');
      assert.ok(stack.length > 5);
      assert.equal(stack[1], attributes['code.function.name']);
      assert.match(String(attributes['wirespan.tcp.connection.id']), /^[0-9a-f]+$/);
    }
    const dropped = totalOf(output.metrics, 'wirespan.packet.dropped', {
      pids: pids(),
      attributes: { 'wirespan.packet.drop.reason': 'tcp_flags' },
    });
    assert.equal(dropped, DROPS);
  });

  it('drops without a socket: on the owner of their address, and out before the agent ends', () => {
    const attributes = { 'wirespan.packet.drop.reason': 'tcp_csum' };
    const dropped = totalOf(output.metrics, 'wirespan.packet.dropped', { pids: pids(), attributes });
    assert.equal(dropped, UNOWNED[0] + UNOWNED[1]);
  });

  it('reset events: direction, state, reason, both ends', () => {
    const of = (direction: string, role: string): number =>
      findEvents(output.logs, 'wirespan.tcp.reset', {
        attributes: {
          'network.io.direction': direction,
          'wirespan.tcp.handshake.role': role,
          'server.port': stage.port,
        },
      }).length;
    assert.deepEqual([of('transmit', 'client'), of('receive', 'server')], [RESETS, RESETS]);
    const counted = (direction: string): number =>
      totalOf(output.metrics, 'wirespan.tcp.resets', {
        pids: pids(),
        attributes: { 'network.io.direction': direction, 'server.port': stage.port },
      });
    assert.deepEqual([counted('transmit'), counted('receive')], [RESETS, RESETS]);
  });

  it('a full accept queue: as many as the namespace counts, and an event', () => {
    // Clients that are refused try again: the kernel's own count was read before the last export.
    assert.ok(overflows >= 7);
    assert.ok(overflowsOf(output) >= overflows, `${overflowsOf(output)} of ${overflows}`);
    const [event] = findEvents(output.logs, 'wirespan.tcp.accept_queue.overflow', {
      attributes: { 'server.port': fullPort },
    });
    assert.equal(event?.attributes['wirespan.tcp.backlog'], 1);
    assert.equal(event.attributes['network.local.address'], '127.0.0.1');
    assert.equal(event.severity, 17);
  });

  it('a full SYN queue: cookies, exactly, and an event', () => {
    assert.ok(cookies >= FLOOD - 2);
    assert.equal(synOverflowsOf(output), cookies);
    const events = findEvents(output.logs, 'wirespan.tcp.syn_queue.overflow', {
      attributes: { 'server.port': floodPort, 'wirespan.tcp.syn_queue.action': 'cookie' },
    });
    assert.ok(events.length >= 1 && events.length <= cookies);
  });

  it('softirqs by CPU, and how long they waited', () => {
    const waits = histogramOf(output.metrics, 'wirespan.softirq.wait.duration', {
      attributes: { 'wirespan.softirq.vector': 'net_rx' },
    });
    assert.ok(waits.count > 0 && waits.sum > 0);
    const cpus = findPoints(output.metrics, 'wirespan.softirq.time').map(
      ({ attributes }) => attributes['cpu.logical_number'],
    );
    assert.ok(cpus.length > 0 && cpus.every((cpu) => typeof cpu === 'number'));
  });

  it('is what the registry says', () => {
    assert.deepEqual(checkAgainstRegistry(output.lines), []);
  });
});
