/** What is kept of sockets by their address: its bound, its parts, and copies of the right listener. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { LISTENER, LISTENER_KEY, OWNER_KEY } from '../../receiver/decode/generated/layout.ts';
import type { KernelOptions } from '../../receiver/source/kernel-options.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { Watcher } from '../support/watcher.ts';

/** Entries that the machine's other sockets leave to the test, and connections of two ends each. */
const ROOM = 32;
const CONNECTIONS = 40;
const SHARED = 60;

/** One process among several that listen at a port: says its port, and how many it took so far. */
const LISTENER_PROGRAM = `
const server = require('node:net').createServer((socket) => socket.on('error', () => 0).resume());
let taken = 0;
server.on('connection', () => console.log('taken', ++taken));
server.listen({ port: Number(process.argv[1]), host: '127.0.0.1', reusePort: true }, () => console.log('port', server.address().port));
`;

describe('tracked sockets', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let script: TcpScript;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
  });
  after(() => cleanup.run());

  function watch(options: Partial<KernelOptions> = {}): Watcher {
    const watcher = new Watcher(options);
    cleanup.add(() => watcher.close());
    return watcher;
  }

  /** Each accepted. */
  async function connectMany(listener: number, port: number): Promise<[client: number, server: number][]> {
    const pairs: [number, number][] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) pairs.push(await connect(listener, port));
    return pairs;
  }

  async function closeAll(pairs: readonly (readonly [number, number])[]): Promise<void> {
    for (const pair of pairs) for (const each of pair) await script.run('close', each);
  }

  async function connect(listener: number, port: number): Promise<[client: number, server: number]> {
    const pair: [number, number] = [script.next(), script.next()];
    await script.run('socket', pair[0]);
    await script.run('connect', pair[0], port);
    await script.run('accept', pair[1], listener);
    return pair;
  }

  function ends(watcher: Watcher, port: number, field: 'opened' | 'active'): number {
    const rows = watcher.series().filter((row) => row.port === port && row.pid === script.pid);
    return rows.reduce((sum, row) => sum + row.sum(field), 0);
  }

  /** Sockets of the machine that are there anyway; undefined where no table is used. */
  function countOthers(): number | undefined {
    const watcher = new Watcher();
    try {
      if (!watcher.source.plan.isConnTable) return undefined;
      watcher.pass();
      return watcher.source.trackedSockets();
    } finally {
      watcher.close();
    }
  }

  const NO_TABLE = 'this kernel keeps it in the socket: no bound of ours';

  test('beyond the bound are counted, and those that closed make room', async (t) => {
    const others = countOthers();
    if (others === undefined) return t.skip(NO_TABLE);
    const watcher = watch({ maxSockets: others + ROOM });
    const { listener, port } = await script.listen();
    await closeAll(await connectMany(listener, port));
    const counted = ends(watcher, port, 'opened');
    const lost = watcher.count('PROBE_STATE', 'LOST_MAP_FULL');
    t.diagnostic(`${counted} of ${2 * CONNECTIONS} ends were counted, ${lost} sockets lost`);
    // Sockets of the machine that went meanwhile leave their room.
    assert.ok(counted > 0 && counted <= others + ROOM && counted < 2 * CONNECTIONS);
    assert.ok(lost >= 2 * CONNECTIONS - counted);
    // One finds them closed, the next finds them so still.
    for (let pass = 0; pass < 3; pass += 1) watcher.pass();
    const [client, server] = await connect(listener, port);
    await script.run('close', client);
    await script.run('close', server);
    assert.equal(ends(watcher, port, 'opened'), counted + 2);
    watcher.close();
  });

  test('that the filter leaves out make room as well, and are no repair', async (t) => {
    const others = countOthers();
    if (others === undefined) return t.skip(NO_TABLE);
    const filter = { include: [], exclude: [{ netns: room.inode }] };
    const watcher = watch({ maxSockets: others + ROOM, filter });
    const { listener, port } = await script.listen();
    await closeAll(await connectMany(listener, port));
    watcher.pass();
    const before = watcher.source.trackedSockets();
    for (let pass = 0; pass < 3; pass += 1) watcher.pass();
    const after = watcher.source.trackedSockets();
    t.diagnostic(`${others} of the machine; ${before}, then ${after}`);
    assert.ok(before > others + ROOM / 2 && after < others + ROOM / 2);
    assert.equal(watcher.needlessRepairs(), 0);
    watcher.close();
  });

  test('are met once a pass, in however many parts', async () => {
    const watcher = watch();
    const { listener, port } = await script.listen();
    const pairs = await connectMany(listener, port);
    // One more that nobody accepts: no process has its server's end open.
    const waiting = script.next();
    await script.run('socket', waiting);
    await script.run('connect', waiting, port);
    const open = 2 * CONNECTIONS + 2;
    for (const socketsARun of [undefined, 7, 1]) {
      watcher.source.pass(process.hrtime.bigint(), socketsARun);
      assert.equal(ends(watcher, port, 'active'), open, `parts of ${socketsARun ?? 'the usual size'}`);
    }
    await closeAll(pairs);
    watcher.pass();
    assert.equal(ends(watcher, port, 'active'), 2, 'the one that waits');
    assert.equal(watcher.needlessRepairs(), 0);
    await script.run('close', waiting);
    watcher.close();
  });

  test('whose close was not seen are found closed, counted, and no longer active', async () => {
    const watcher = watch();
    const { listener, port } = await script.listen();
    const pairs = await connectMany(listener, port);
    watcher.pass();
    assert.equal(watcher.needlessRepairs(), 0);
    watcher.source.detach();
    await closeAll(pairs);
    watcher.source.attach();
    // Storage goes with its socket. An entry whose address has another socket by now is believed to be gone the second time only.
    for (let pass = 0; pass < 3; pass += 1) watcher.pass();
    if (watcher.source.plan.isConnTable) assert.ok(watcher.countAll('REPAIRED') >= 2 * CONNECTIONS);
    const [client, server] = await connect(listener, port);
    watcher.pass();
    assert.equal(ends(watcher, port, 'active'), 2);
    await script.run('close', client);
    await script.run('close', server);
    watcher.close();
  });

  test('of several processes at one port are those of the listener that took them', async (t) => {
    const watcher = watch();
    const taken = new Map<number, number>();
    let port = 0;
    for (let i = 0; i < 2; i += 1) {
      const command = ['netns', 'exec', room.name, process.execPath, '-e', LISTENER_PROGRAM, String(port)];
      const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'close');
      cleanup.add(async () => {
        child.kill('SIGKILL');
        await ended;
      });
      const lines = createInterface(child.stdout);
      const [line] = (await once(lines, 'line')) as [string];
      port = Number(line.split(' ')[1]);
      taken.set(child.pid ?? 0, 0);
      lines.on('line', (text) => taken.set(child.pid ?? 0, Number(text.split(' ')[1])));
    }
    for (let i = 0; i < SHARED; i += 1) {
      const client = script.next();
      await script.run('socket', client);
      await script.run('connect', client, port);
      await script.run('close', client);
    }
    const total = (): number => [...taken.values()].reduce((sum, count) => sum + count, 0);
    while (total() < SHARED) await new Promise((resolve) => setTimeout(resolve, 10));
    t.diagnostic([...taken.values()].join(' and '));
    assert.deepEqual(arrivals(watcher, port), new Map([...taken].filter(([, count]) => count > 0)));
    watcher.close();
  });
});

/** Connections that each process's listeners at the port found in their queue. */
function arrivals(watcher: Watcher, port: number): Map<number, number> {
  const { count, keys, values, keySize, stride } = watcher.source.read('listeners');
  const key = new DataView(keys.buffer, keys.byteOffset);
  const value = new DataView(values.buffer, values.byteOffset);
  const found = new Map<number, number>();
  for (let row = 0; row < count; row += 1) {
    if (key.getUint16(row * keySize + LISTENER_KEY.port, true) !== port) continue;
    let sum = 0;
    // The last is the sum of the values.
    for (let at: number = LISTENER.utilization; at < LISTENER.accept_wait - 8; at += 8)
      sum += Number(value.getBigUint64(row * stride + at, true));
    if (sum > 0) found.set(key.getUint32(row * keySize + LISTENER_KEY.owner + OWNER_KEY.pid, true), sum);
  }
  return found;
}
