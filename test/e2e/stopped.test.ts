/**
 * The agent is stopped (SIGSTOP) while connections and short processes come and go: nothing is read, swept or exported
 * meanwhile, and afterwards every sum is exact, also where the kernel's maps had no room for all who came. WIRESPAN_TEST_STOPPED: connections, seconds and short processes of a longer stop.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { finalPoints, findEvents, findPoints, histogramOf, totalOf, totalsBy } from './otlp.ts';
import { connectPair, move, trafficAs, TrafficProcess } from './traffic.ts';
import type { Pair } from './traffic.ts';
import { buildWorkloads, runChurn } from '../support/workloads.ts';
import type { ChurnTruth } from '../support/workloads.ts';

const [CONNECTIONS = 40_009, SECONDS = 8, SHORT = 1_009] = (process.env['WIRESPAN_TEST_STOPPED'] ?? '')
  .split(' ')
  .filter((word) => word !== '')
  .map(Number);
const BYTES = [10_007, 20_011, 30_011] as const;
/** Bytes of the three connections that are held. */
const HELD = [BYTES[0] + BYTES[1], BYTES[1] + BYTES[2], BYTES[0] + BYTES[1] + BYTES[2]] as const;
const CLOSE = 'wirespan.tcp.connection.close';
const REASON = 'wirespan.tcp.close.reason';
const ROLE = 'wirespan.tcp.handshake.role';
const DIRECTION = 'network.io.direction';

/** Close events only, so that every event is one end of one connection. */
const SETTINGS = {
  WIRESPAN_BPF_RING_BUFFER_SIZE: '65536',
  WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
  WIRESPAN_EVENTS_TCP_CONNECTION_FAIL: 'off',
  WIRESPAN_EVENTS_TCP_LISTENER_START: 'off',
  WIRESPAN_EVENTS_TCP_LISTENER_STOP: 'off',
  WIRESPAN_EVENTS_TCP_RETRANSMIT: 'off',
  WIRESPAN_METRICS_TCP_CONNECTION_TRANSFER_SIZE: 'on',
};

/** What happens while it is stopped. */
interface Stop {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
  /** Whether each port has a row of its own. */
  readonly hasPorts: boolean;
}

const STOPS: readonly Stop[] = [
  { name: 'with room for all', settings: {}, connections: CONNECTIONS, seconds: SECONDS, hasPorts: true },
  {
    name: 'with room for a few processes and rows',
    settings: { WIRESPAN_BPF_MAX_OWNERS: '211', WIRESPAN_BPF_MAX_SERIES: '307' },
    connections: 1_009,
    seconds: 3,
    hasPorts: false,
  },
];

for (const stop of STOPS)
  describe(`stopped for ${stop.seconds} s under ${stop.connections} connections, ${stop.name}`, () => {
    const cleanup = new Cleanup();
    let output: Output;
    let churns: readonly ChurnTruth[];
    let held: readonly Pair[];

    before(async () => {
      await buildWorkloads();
      const room = new NetNamespace();
      cleanup.add(() => room.remove());
      const filter = { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` };
      const observation = await observe(cleanup, { settings: { ...SETTINGS, ...filter, ...stop.settings } });
      const { pid } = observation.agent;
      const inRoom = ['ip', 'netns', 'exec', room.name];
      const client = new TrafficProcess(trafficAs(cleanup, 'stopped-client'), inRoom);
      const server = new TrafficProcess(trafficAs(cleanup, 'stopped-server'), inRoom);
      cleanup.add(() => Promise.all([client.stop(), server.stop()]));
      const open = (): Promise<Pair> => connectPair(client, server, '127.0.0.1');
      const send = ({ client: from, server: to }: Pair, bytes: number): Promise<void> =>
        move(from, to, bytes);
      /** The client's FIN comes first, always. */
      const end = async ({ client: first, server: second }: Pair): Promise<void> => {
        await first.process.run('close', first.socket);
        await second.process.run('end', second.socket);
      };
      const [endsMeanwhile, lasts] = [await open(), await open()];
      await send(endsMeanwhile, BYTES[0]);
      await send(lasts, BYTES[0]);
      process.kill(pid, 'SIGSTOP');
      const stopped = sleep(stop.seconds * 1_000);
      await send(endsMeanwhile, BYTES[1]);
      await end(endsMeanwhile);
      const beginsMeanwhile = await open();
      await send(beginsMeanwhile, BYTES[1]);
      await send(lasts, BYTES[1]);
      const netns = room.name;
      churns = [
        await runChurn(stop.connections, { pairs: 2, netns }),
        await runChurn(SHORT, { isShort: true, netns }),
      ];
      await stopped;
      process.kill(pid, 'SIGCONT');
      for (const pair of [beginsMeanwhile, lasts]) {
        await send(pair, BYTES[2]);
        await end(pair);
      }
      held = [endsMeanwhile, beginsMeanwhile, lasts];
      output = await observation.finish();
    });
    after(() => cleanup.run());

    it('sums over all resources are what the workloads did', () => {
      const connections = 3 + churns.reduce((sum, churn) => sum + churn.connections, 0);
      const payload =
        HELD.reduce((sum, bytes) => sum + bytes, 0) +
        churns.reduce((sum, churn) => sum + 2 * churn.bytesEachWay, 0);
      const { metrics } = output;
      const ofBytes = totalsBy(findPoints(metrics, 'wirespan.tcp.io'), [DIRECTION]);
      assert.deepEqual(
        {
          opened: totalOf(metrics, 'wirespan.tcp.connection.opened'),
          handshakes: histogramOf(metrics, 'wirespan.tcp.handshake.duration').count,
          closed: totalsBy(findPoints(metrics, 'wirespan.tcp.connection.closed'), []),
          durations: histogramOf(metrics, 'wirespan.tcp.connection.duration').count,
          sizes: histogramOf(metrics, 'wirespan.tcp.connection.transfer.size'),
          bytes: Object.values(ofBytes).reduce((sum, bytes) => sum + bytes, 0),
        },
        {
          opened: 2 * connections,
          handshakes: 2 * connections,
          closed: { '': 2 * connections },
          durations: 2 * connections,
          sizes: { count: 4 * connections, sum: 2 * payload },
          bytes: 2 * payload,
        },
      );
    });

    it('each end has the reason that it ended for, and nothing is left open', () => {
      const reasons = totalsBy(findPoints(output.metrics, 'wirespan.tcp.connection.closed'), [REASON]);
      const each = churns.reduce((sum, churn) => sum + churn.connections, 3);
      assert.deepEqual(reasons, { peer_fin: each, local_fin: each });
      const left = finalPoints(findPoints(output.metrics, 'wirespan.tcp.connection.active'));
      assert.deepEqual(
        left
          .filter(({ value }) => value !== 0)
          .map(({ resource, value }) => [resource['process.pid'], value]),
        [],
      );
    });

    if (stop.hasPorts)
      it('connections that were open before, and after, have all their bytes and one end each', () => {
        const of = (name: string, port: number, ...by: string[]): Record<string, number> =>
          totalsBy(findPoints(output.metrics, name, { attributes: { 'server.port': port } }), [ROLE, ...by]);
        const sums = held.map(({ port }) => ({
          opened: of('wirespan.tcp.connection.opened', port),
          closed: of('wirespan.tcp.connection.closed', port),
          bytes: of('wirespan.tcp.io', port, DIRECTION),
        }));
        const one = { client: 1, server: 1 };
        const expected = HELD.map((sent) => ({
          opened: one,
          closed: one,
          bytes: { 'client|transmit': sent, 'server|receive': sent },
        }));
        assert.deepEqual(sums, expected);
      });

    it('events exported + events lost = events produced', () => {
      const produced = totalOf(output.metrics, 'wirespan.tcp.connection.closed');
      const exported = findEvents(output.logs, CLOSE).length;
      const lost = totalsBy(
        findPoints(output.metrics, 'wirespan.agent.event.lost').filter(
          ({ attributes }) => attributes['error.type'] === 'ring_buffer_full',
        ),
        ['wirespan.agent.probe.name'],
      );
      const shown = JSON.stringify({ produced, exported, lost });
      // What is lost of `owner` is the name of a process, and no event.
      assert.equal(exported + (lost['inet_sock_set_state'] ?? 0), produced, shown);
    });
  });
