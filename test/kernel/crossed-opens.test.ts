/** Sockets that connect to each other at once, or to themselves: both ends are clients (RFC 9293 section 3.5). */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { METRIC_TCP_HANDSHAKE_DURATION } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, ScriptError, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { onlyIn, Watcher, type SeriesRow } from '../support/watcher.ts';
import { newContext, requestOf } from '../support/traceparent.ts';

const HANDSHAKE_BUCKETS = (METRIC_TCP_HANDSHAKE_DURATION.boundaries?.length ?? 0) + 1;
const PAYLOAD = 'x'.repeat(1_009);
const REPLY = 'y'.repeat(211);
const SELF_CONNECTS = 5;
const ROLE_CLIENT = 1;
const CANCELLED = 254;

describe('crossed opens', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let room: NetNamespace;
  let script: TcpScript;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
    watcher = new Watcher(onlyIn(room));
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** A socket at a port of its own. */
  async function bound(): Promise<{ socket: number; port: number }> {
    const [socket, port] = [script.next(), TcpScript.newPort()];
    await script.run('socket', socket);
    await script.run('bind', socket, port);
    return { socket, port };
  }

  /** What the records say of the end at a port, less what is asked elsewhere. */
  const story = (localPort: number) =>
    watcher.connections(room.inode, localPort).map((record) => ({
      kind: record.kind,
      role: record.role,
      pid: record.owner.pid,
      ...(record.kind === 'close' && {
        reason: record.closeReason,
        sent: Number(record.bytesSent),
        received: Number(record.bytesReceived),
      }),
      ...(record.error !== undefined && { error: record.error }),
    }));

  const ended = (localPort: number): boolean =>
    story(localPort).some(({ kind }) => kind === 'close' || kind === 'fail');

  const opened = () => ({ kind: 'open', role: 'client', pid: script.pid });
  const closed = (reason: string, sent: number, received: number) => ({
    kind: 'close',
    role: 'client',
    pid: script.pid,
    reason,
    sent,
    received,
  });

  const sums = ({ role, error, sum }: SeriesRow) => ({
    role,
    error,
    opened: sum('opened'),
    handshakes: Array.from({ length: HANDSHAKE_BUCKETS }, (_, i) => sum('handshake', i)).reduce(
      (a, b) => a + b,
    ),
    closed: Array.from({ length: 8 }, (_, i) => sum('closed', i)).reduce((a, b) => a + b),
    sent: sum('bytes_sent'),
    received: sum('bytes_received'),
  });

  /** The sums of connections to a port, as the kernel has them. */
  const rows = (port: number) =>
    watcher
      .series()
      .filter((row) => row.port === port)
      .map(sums);

  test('a socket that connects to itself is a client, with the bytes that it sent and read', async () => {
    for (let i = 0; i < SELF_CONNECTS; i += 1) {
      const { socket, port } = await bound();
      assert.equal(await script.run('connect', socket, port), port);
      await script.run('write', socket, hex(PAYLOAD));
      await script.run('read', socket, PAYLOAD.length);
      await script.run('close', socket);
      await waitFor('its end', () => ended(port));
      const bytes = PAYLOAD.length;
      assert.deepEqual(story(port), [opened(), closed('local_fin', bytes, bytes)]);
      const one = { role: ROLE_CLIENT, error: 0, opened: 1, handshakes: 1, closed: 1 };
      assert.deepEqual(rows(port), [{ ...one, sent: bytes, received: bytes }]);
    }
  });

  test('its first request is what it was opened for', async () => {
    const { socket, port } = await bound();
    const context = newContext();
    await script.run('request', socket, port, hex(requestOf(context)));
    await script.run('close', socket);
    const records = watcher.connections(room.inode, port);
    const handshake = records.find(({ kind }) => kind === 'handshake');
    assert.equal(handshake?.context?.traceId, context.traceId);
    assert.equal(handshake.role, 'client');
  });

  /**
   * Two sockets whose SYNs cross: of the first, nothing arrives until the filter is taken away. It is in SYN_RECV,
   * the other one in SYN_SENT.
   */
  async function cross(): Promise<{ first: number; second: number; ports: [number, number] }> {
    const [one, other] = [await bound(), await bound()];
    room.filter(`tcp dport ${other.port} tcp flags syn drop`);
    await script.run('try-connect', one.socket, other.port);
    await script.run('try-connect', other.socket, one.port);
    const states = room.exec('ss', '-Htan', `sport = :${one.port}`);
    assert.match(states, /^SYN-RECV/, 'the SYNs did not cross');
    return { first: one.socket, second: other.socket, ports: [one.port, other.port] };
  }

  test('two sockets that connect to each other at once are clients, both', async () => {
    const { first, second, ports } = await cross();
    room.filter();
    // A write waits for the end of the handshake.
    await script.run('write', first, hex(PAYLOAD));
    await script.run('read', second, PAYLOAD.length);
    await script.run('write', second, hex(REPLY));
    await script.run('read', first, REPLY.length);
    await script.run('close', first);
    await script.run('close', second);
    await waitFor('both ends', () => ports.every(ended));
    assert.deepEqual(story(ports[0]), [opened(), closed('local_fin', PAYLOAD.length, REPLY.length)]);
    assert.deepEqual(story(ports[1]), [opened(), closed('peer_fin', REPLY.length, PAYLOAD.length)]);
    const one = { role: ROLE_CLIENT, error: 0, opened: 1, handshakes: 1, closed: 1 };
    assert.deepEqual(rows(ports[1]), [{ ...one, sent: PAYLOAD.length, received: REPLY.length }]);
    assert.deepEqual(rows(ports[0]), [{ ...one, sent: REPLY.length, received: PAYLOAD.length }]);
  });

  test('one that is given up meanwhile is cancelled, and a pass changes nothing', async () => {
    const { first, second, ports } = await cross();
    watcher.pass();
    watcher.pass();
    await script.run('close', first);
    await script.run('close', second);
    room.filter();
    const one = { role: ROLE_CLIENT, opened: 1, handshakes: 1, closed: 0, sent: 0, received: 0 };
    for (const port of ports) {
      const failed = rows(port).filter(({ error }) => error !== 0);
      assert.deepEqual(failed, [{ ...one, error: CANCELLED }]);
      assert.deepEqual(story(port), []);
    }
  });

  test('one that is reset meanwhile failed, with the errno that its application got', async () => {
    const { first, second, ports } = await cross();
    await script.run('close', second);
    room.filter();
    // Nobody is there when it sends its SYN-ACK again.
    const error: unknown = await script.run('write', first, hex(PAYLOAD)).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ScriptError);
    assert.equal(error.errno, constants.errno.ECONNRESET);
    const failed = { kind: 'fail', role: 'client', pid: script.pid, error: 'connection_reset' };
    assert.deepEqual(story(ports[0]), [failed]);
    await script.run('close', first);
    assert.deepEqual(story(ports[0]), [failed]);
  });

  test('nothing was lost, and nothing had to be made good', () => {
    assert.equal(watcher.count('PROBE_STATE', 'LOST_SKIPPED'), 0);
    assert.equal(watcher.needlessRepairs(), 0);
  });
});
