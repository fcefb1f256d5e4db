/** Many processes, and processes that say much of themselves: what is kept and sent of them is bounded, and heals. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NetNamespace } from '../support/net-namespace.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Observation, Output } from './observe.ts';
import { currentOf, finalPoints, findPoints, totalOf } from './otlp.ts';
import { trafficAs, TrafficProcess } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const OPENED = 'wirespan.tcp.connection.opened';
const ACTIVE = 'wirespan.tcp.connection.active';
const WORKLOADS = 'wirespan.agent.workload.count';
const LOST = 'wirespan.agent.event.lost';
const ROLE = 'wirespan.tcp.handshake.role';

const LARGE = 200;
/** The process that listens. */
const OTHERS = 1;
/** Attributes of a large process, 126 KB together. */
const ATTRIBUTES = 1_080;
const VALUE = 'v'.repeat(110);

const LIMIT = 20;
const STORM = 60;
const LIVING = 11;
/** Connections of each living process: while its place is not certain, and when it has one. */
const EARLY = 2;
const LATE = 5;
/** From the last process of the storm until all are named. */
const MAX_COLLECTIONS = 3;

interface Listener {
  readonly process: TrafficProcess;
  readonly socket: number;
  readonly port: number;
}

class Room {
  readonly room = new NetNamespace();
  readonly #cleanup: Cleanup;
  readonly #program: string;
  constructor(cleanup: Cleanup) {
    this.#cleanup = cleanup;
    cleanup.add(() => this.room.remove());
    this.#program = trafficAs(cleanup, 'roomed');
  }

  start(environment: readonly string[] = []): TrafficProcess {
    const prefix = ['ip', 'netns', 'exec', this.room.name, 'env', ...environment];
    const started = new TrafficProcess(this.#program, prefix);
    this.#cleanup.add(() => started.stop());
    return started;
  }

  async listen(): Promise<Listener> {
    const process = this.start();
    const socket = process.next();
    return { process, socket, port: await process.run('listen', socket, '127.0.0.1') };
  }
}

/** One more connection, which stays open. */
async function connect(client: TrafficProcess, { process, socket, port }: Listener): Promise<void> {
  await client.run('connect', client.next(), '127.0.0.1', port);
  await process.run('accept', process.next(), socket);
}

/** Connections that were opened at the port, by process; `host` without one. */
function openedBy(output: Output, port: number): Map<unknown, number> {
  const found = new Map<unknown, number>();
  const attributes = { 'server.port': port, [ROLE]: 'client' };
  for (const { resource, value } of finalPoints(findPoints(output.metrics, OPENED, { attributes }))) {
    const pid = resource['process.pid'] ?? 'host';
    found.set(pid, (found.get(pid) ?? 0) + value);
  }
  return found;
}

describe('processes with 126 KB of attributes', () => {
  const cleanup = new Cleanup();
  let observation: Observation;
  let port: number;
  let pids: readonly number[];
  before(async () => {
    await buildWorkloads();
    const room = new Room(cleanup);
    observation = await observe(cleanup, {
      settings: {
        WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.room.inode}}]`,
        OTEL_METRIC_EXPORT_INTERVAL: '2000',
      },
    });
    const listener = await room.listen();
    port = listener.port;
    const list = Array.from({ length: ATTRIBUTES }, (_, index) => `k${index}=${VALUE}`).join(',');
    assert.ok(list.length > 125_000);
    const clients: TrafficProcess[] = [];
    for (let i = 0; i < LARGE; i += 1) {
      const client = room.start([`OTEL_SERVICE_NAME=large-${i}`, `OTEL_RESOURCE_ATTRIBUTES=${list}`]);
      await connect(client, listener);
      clients.push(client);
    }
    pids = clients.map(({ pid }) => pid);
    await waitFor(
      'all of them',
      () => (currentOf(observation.read().metrics, WORKLOADS) ?? 0) >= LARGE + OTHERS,
    );
    for (const client of clients) await client.stop();
  });
  after(() => cleanup.run());

  it('keep what fits, their names first, and are forgotten when they end', async () => {
    await waitFor(
      'their resources to go',
      () => (currentOf(observation.read().metrics, WORKLOADS) ?? LARGE) <= OTHERS,
      60_000,
    );
    const output = await observation.finish();
    const expected: Record<string, unknown> = {};
    let bytes = Buffer.byteLength('service.name') + Buffer.byteLength('large-0');
    for (let i = 0; bytes + `k${i}`.length + VALUE.length <= 3_000; i += 1) {
      expected[`k${i}`] = VALUE;
      bytes += `k${i}`.length + VALUE.length;
    }
    const attributes = { 'server.port': port, [ROLE]: 'client' };
    const points = finalPoints(findPoints(output.metrics, OPENED, { attributes }));
    const names = points.map(({ resource }) => resource['service.name']);
    assert.deepEqual(new Set(names), new Set(pids.map((_, i) => `large-${i}`)));
    // How attempts fail is there at zero.
    for (const { value, attributes: own } of points)
      assert.equal(value, own['error.type'] === undefined ? 1 : 0, String(own['error.type']));
    for (const { resource } of points) {
      const declared = Object.entries(resource).filter(([key]) => /^k\d+$/.test(key));
      // A name with more digits may leave one less.
      const short = declared.length === Object.keys(expected).length - 1;
      assert.deepEqual(
        Object.fromEntries(declared),
        short ? Object.fromEntries(Object.entries(expected).slice(0, -1)) : expected,
      );
      const sent = Object.entries(resource).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);
      assert.ok(sent <= 4_096, `${sent} bytes`);
    }
    const cut = totalOf(output.metrics, LOST, { attributes: { 'error.type': 'attributes_cut' } });
    assert.equal(cut, LARGE);
    const said = observation.agent.log().filter(({ bound }) => String(bound).includes('RESOURCE_ATTRIBUTES'));
    assert.ok(said.length >= 1 && said.length <= 2, `${said.length} lines`);
    assert.ok(said.reduce((sum, { count }) => sum + Number(count), 0) <= LARGE);
  });
});

describe('more processes than resources', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** Short processes, then some that live; what each opened at the living ones' port. */
  async function run(isExcluded: boolean) {
    await buildWorkloads();
    const [quiet, loud] = [new Room(cleanup), new Room(cleanup)];
    const rooms = isExcluded ? [quiet] : [quiet, loud];
    const observation = await observe(cleanup, {
      settings: {
        WIRESPAN_FILTER_INCLUDE: `[${rooms.map(({ room }) => `{netns: ${room.inode}}`).join()}]`,
        WIRESPAN_RESOURCE_LIMIT: String(LIMIT),
        // As often as ended processes are looked for.
        OTEL_METRIC_EXPORT_INTERVAL: '5000',
      },
    });
    const noisy = await loud.listen();
    for (let i = 0; i < STORM; i += 1) {
      const client = loud.start();
      await connect(client, noisy);
      await client.stop();
    }
    const listener = await quiet.listen();
    const clients = Array.from({ length: LIVING }, () => quiet.start());
    for (const client of clients) for (let i = 0; i < EARLY; i += 1) await connect(client, listener);
    const pids = clients.map(({ pid }) => pid);
    const since = BigInt(Date.now()) * 1_000_000n;
    const named = (output: Output): Map<number, bigint> => {
      const times = new Map<number, bigint>();
      for (const { resource, timeNs } of findPoints(output.metrics, ACTIVE, {
        attributes: { 'server.port': listener.port, [ROLE]: 'client' },
      })) {
        const pid = Number(resource['process.pid']);
        if (pids.includes(pid) && timeNs > since) times.set(pid, times.get(pid) ?? timeNs);
      }
      return times;
    };
    await waitFor('all to be named', () => named(observation.read()).size === LIVING, 60_000);
    for (const client of clients) for (let i = 0; i < LATE; i += 1) await connect(client, listener);
    const output = await observation.finish();
    const last = [...named(output).values()].reduce((most, time) => (time > most ? time : most), 0n);
    const times = new Set(findPoints(output.metrics, WORKLOADS).map(({ timeNs }) => timeNs));
    const collections = [...times].filter((time) => time > since && time <= last).length;
    return { output, observation, pids, collections, ports: [listener.port, noisy.port] as const };
  }

  it('those that live are named soon after a storm of short ones, and nothing is counted twice', async (t) => {
    const { output, observation, pids, collections, ports } = await run(false);
    t.diagnostic(`all named after ${collections} collections`);
    assert.ok(collections <= MAX_COLLECTIONS);
    const opened = openedBy(output, ports[0]);
    const early = opened.get('host') ?? 0;
    assert.equal(
      [...opened.values()].reduce((sum, count) => sum + count, 0),
      LIVING * (EARLY + LATE),
    );
    for (const pid of pids) assert.ok((opened.get(pid) ?? 0) >= LATE, `${opened.get(pid)} of ${pid}`);
    assert.ok(early <= LIVING * EARLY);
    const stormy = [...openedBy(output, ports[1]).values()].reduce((sum, count) => sum + count, 0);
    assert.equal(stormy, STORM);
    const said = observation.agent.log().filter(({ bound }) => String(bound).includes('resource.limit)'));
    assert.ok(said.length > 0, 'the log says that the limit was met');
  });

  it('an excluded storm takes no place from anybody', async () => {
    const { output, observation, pids, collections, ports } = await run(true);
    assert.ok(collections <= 1);
    assert.deepEqual(openedBy(output, ports[0]), new Map(pids.map((pid) => [pid, EARLY + LATE])));
    assert.equal(openedBy(output, ports[1]).size, 0);
    assert.equal(totalOf(output.metrics, LOST, { attributes: { 'error.type': 'owner_unknown' } }), 0);
    assert.ok(observation.agent.log().every(({ bound }) => !String(bound).includes('resource.limit)')));
  });
});
