/** TCP Fast Open (RFC 7413): connections that are used, and even closed, before their handshake ends. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { METRIC_TCP_HANDSHAKE_DURATION } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { onlyIn, Watcher } from '../support/watcher.ts';
import { listenersAt } from './rig/listeners.ts';

const REQUEST = 'q'.repeat(211);
const REPLY = 'a'.repeat(1_009);
const CONNECTIONS = 5;
/** Both ends, without cookies, at every listener: TFO_CLIENT_ENABLE and the like in include/net/tcp.h. */
const WITHOUT_COOKIES = 0x607;
/** ... with cookies, which a SYN without data needs to be one of Fast Open. */
const WITH_COOKIES = 0x403;
const ROLE_CLIENT = 1;
const ROLE_SERVER = 2;
const HANDSHAKE_BUCKETS = (METRIC_TCP_HANDSHAKE_DURATION.boundaries?.length ?? 0) + 1;
const SYN_AGAIN_NS = 900_000_000n;
const MS = 1_000_000n;

describe('Fast Open', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let room: NetNamespace;
  let script: TcpScript;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
    room.sysctl('net/ipv4/tcp_fastopen', String(WITHOUT_COOKIES));
    watcher = new Watcher(onlyIn(room));
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** The last ACK of a handshake does not arrive, nor any other segment of the client; a RST does. */
  const hold = (port: number): void =>
    room.filter(`tcp dport ${port} tcp flags & (syn | ack | rst) == ack drop`);

  /** A client whose SYN has its request, or no data. */
  async function ask(port: number, request = REQUEST): Promise<number> {
    const client = script.next();
    await script.run('socket', client);
    await script.run('fast', client, port, hex(request) || '-');
    return client;
  }

  async function accept(listener: number, request = REQUEST): Promise<number> {
    const server = script.next();
    await script.run('accept', server, listener);
    await script.run('read', server, request.length);
    return server;
  }

  /** The first client asks for the cookie that all others in the room have from then on. */
  async function useCookies(): Promise<void> {
    room.sysctl('net/ipv4/tcp_fastopen', String(WITH_COOKIES));
    const { listener, port } = await script.listen();
    const client = await ask(port);
    await script.run('close', await accept(listener));
    await script.run('close', client);
    await script.run('close', listener);
  }

  /** SYNs that made a connection at once. */
  const fastOpens = (): number => room.counter('TcpExtTCPFastOpenPassive');

  /** Whether a server's end at this port waits for the last ACK of its handshake. */
  const waits = (port: number): boolean => room.exec('ss', '-Htan', `sport = :${port}`).includes('SYN-RECV');

  const sums = (port: number, role = ROLE_SERVER) => {
    const [row, ...others] = watcher.series().filter((each) => each.port === port && each.role === role);
    assert.deepEqual(others, []);
    assert.ok(row !== undefined, 'no sums');
    const { error, pid, sum } = row;
    const of = (field: 'handshake' | 'closed', length: number): number[] =>
      Array.from({ length }, (_, i) => sum(field, i));
    const total = (values: number[]): number => values.reduce((a, b) => a + b);
    return {
      error,
      pid,
      opened: sum('opened'),
      handshakes: total(of('handshake', HANDSHAKE_BUCKETS)),
      closed: of('closed', 8),
      sent: sum('bytes_sent'),
      received: sum('bytes_received'),
    };
  };

  const ends = (port: number, kind: 'close' | 'accept') =>
    watcher
      .records()
      .flatMap((record) =>
        record.kind === kind &&
        'closeReason' in record === (kind === 'close') &&
        record.netns === room.inode &&
        record.role === 'server' &&
        record.endpoints.localPort === port
          ? [record]
          : [],
      );

  /** Waits in the accept queue that were seen at a port. */
  const acceptsAt = (port: number): number =>
    listenersAt(watcher, port).reduce((all, { accepts }) => all + accepts, 0);

  const hasAccepts = (): boolean => watcher.source.plan.accept !== 'none';

  for (const data of [REQUEST, '']) {
    const kind = data === '' ? 'no data' : 'data';

    test(`${kind} in the SYN, closed before the last ACK, and after it: all are in the sums`, async () => {
      if (data === '') await useCookies();
      const { listener, port } = await script.listen();
      const count = 2 * CONNECTIONS;
      const opensBefore = fastOpens();
      for (let i = 0; i < count; i += 1) {
        const isHeld = i % 2 === 0;
        if (isHeld) hold(port);
        const client = await ask(port, data);
        if (isHeld) assert.ok(waits(port), 'the handshake is over');
        else await waitFor('the last ACK', () => !waits(port));
        for (let pass = 0; pass < 3; pass += 1) watcher.pass();
        const server = await accept(listener, data);
        await script.run('write', server, hex(REPLY));
        await script.run('close', server);
        room.filter();
        await script.run('read', client, REPLY.length);
        await script.run('close', client);
        await waitFor('the end', () => ends(port, 'close').length === i + 1);
      }
      assert.equal(fastOpens() - opensBefore, count);
      assert.deepEqual(sums(port), {
        error: 0,
        pid: script.pid,
        opened: count,
        handshakes: CONNECTIONS,
        closed: [count, 0, 0, 0, 0, 0, 0, 0],
        sent: count * REPLY.length,
        received: count * data.length,
      });
      assert.deepEqual(sums(port, ROLE_CLIENT), {
        error: 0,
        pid: script.pid,
        opened: count,
        handshakes: count,
        closed: [0, count, 0, 0, 0, 0, 0, 0],
        sent: count * data.length,
        received: count * REPLY.length,
      });
      for (const { bytesSent, bytesReceived, closeReason, owner, error } of ends(port, 'close')) {
        assert.deepEqual([Number(bytesSent), Number(bytesReceived)], [REPLY.length, data.length]);
        assert.deepEqual([closeReason, owner.pid, error], ['local_fin', script.pid, undefined]);
      }
      if (hasAccepts()) assert.equal(acceptsAt(port), count);
    });

    test(`${kind} in the SYN, accepted before the last ACK: accepted, and its handshake ends later`, async () => {
      const { listener, port } = await script.listen();
      const opensBefore = fastOpens();
      hold(port);
      const client = await ask(port, data);
      const before = process.hrtime.bigint();
      const server = await accept(listener, data);
      const returned = process.hrtime.bigint();
      assert.ok(waits(port), 'the handshake is over');
      assert.equal(fastOpens() - opensBefore, 1);
      room.filter();
      // Sent again, this brings the ACK.
      await script.run('write', client, hex(REQUEST));
      await script.run('read', server, REQUEST.length);
      assert.ok(!waits(port));
      await script.run('close', client);
      await script.run('close', server);
      await waitFor('the end', () => ends(port, 'close').length === 1);
      const { opened, handshakes, closed, received } = sums(port);
      assert.deepEqual([opened, handshakes, received], [1, 1, data.length + REQUEST.length]);
      assert.deepEqual(closed, [0, 1, 0, 0, 0, 0, 0, 0]);
      if (!hasAccepts()) return;
      const [accepted, ...others] = ends(port, 'accept');
      assert.deepEqual(others, []);
      assert.ok(accepted !== undefined && 'acceptedNs' in accepted);
      assert.ok(before <= accepted.acceptedNs && accepted.acceptedNs <= returned, 'not during the call');
      assert.ok(accepted.establishedNs <= accepted.acceptedNs);
      assert.equal(acceptsAt(port), 1);
    });

    test(`${kind} in the SYN, reset before the last ACK, in the queue`, async () => {
      const { listener, port } = await script.listen();
      hold(port);
      const client = await ask(port, data);
      await script.run('reset', client);
      await waitFor('the end', () => ends(port, 'close').length === 1);
      room.filter();
      const [end] = ends(port, 'close');
      assert.ok(end !== undefined && 'closeReason' in end);
      // Without data it cuts nothing off.
      const error = data === '' ? undefined : 'connection_reset';
      assert.deepEqual([end.closeReason, end.error], ['reset_received', error]);
      assert.equal(Number(end.bytesReceived), data.length);
      await script.run('close', listener);
    });

    test(`${kind} in the SYN, never accepted, and ended with its listener before the last ACK`, async () => {
      const { listener, port } = await script.listen();
      hold(port);
      const client = await ask(port, data);
      await script.run('close', listener);
      await waitFor('the end', () => ends(port, 'close').length === 1);
      room.filter();
      const [end] = ends(port, 'close');
      assert.ok(end !== undefined && 'closeReason' in end);
      assert.deepEqual([end.closeReason, end.owner.pid], ['reset_sent', script.pid]);
      const { opened, handshakes, closed } = sums(port);
      assert.deepEqual([opened, handshakes, closed], [1, 0, [0, 0, 1, 0, 0, 0, 0, 0]]);
      await script.run('close', client);
    });

    test(`${kind} in the SYN of the first write: a client's handshake begins with it, not with connect()`, async () => {
      const { listener, port } = await script.listen();
      const opensBefore = fastOpens();
      for (const loses of [false, true]) {
        const client = script.next();
        await script.run('socket', client);
        await script.run('fast-connect', client, port);
        if (loses) room.filter(`tcp dport ${port} tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop`);
        const before = process.hrtime.bigint();
        await script.run('write', client, hex(data) || '-');
        room.filter();
        const server = await accept(listener, data);
        await script.run('close', client);
        await script.run('close', server);
        const open = watcher
          .records()
          .findLast((record) => record.kind === 'open' && record.endpoints.peerPort === port);
        assert.ok(open !== undefined && 'handshakeStartNs' in open);
        assert.equal(open.role, 'client');
        const { handshakeStartNs, establishedNs } = open;
        // After a second SYN the kernel knows the time of the first in milliseconds.
        assert.ok(handshakeStartNs >= before - (loses ? MS : 1_000n), 'it begins before the write');
        assert.equal(
          establishedNs - handshakeStartNs > SYN_AGAIN_NS,
          loses,
          'it has the second of a lost SYN',
        );
      }
      // The second SYN is an ordinary one.
      assert.equal(fastOpens() - opensBefore, 1);
    });
  }

  test('nothing was lost, and nothing had to be made good', () => {
    assert.equal(watcher.count('PROBE_STATE', 'LOST_SKIPPED'), 0);
    assert.equal(watcher.needlessRepairs(), 0);
  });
});
