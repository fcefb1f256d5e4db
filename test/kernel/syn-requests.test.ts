/** Requests that leave with the SYN (TCP Fast Open): their handshake and segments are on their trace, and no other's. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { possibleCpus } from '../../native/index.ts';
import type { RequestContext } from '../../receiver/model/record.ts';
import { KERNEL_MAPS } from '../../receiver/source/generated/maps.ts';
import { Cleanup } from '../support/cleanup.ts';
import { hex, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { plain, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import {
  chunk,
  chunkedHead,
  head,
  lastChunk,
  newContext,
  requestOf,
  type Context,
} from '../support/traceparent.ts';

/** Settings of `tcp_fastopen`: both ends without cookies, at every listener; no listener; no client without a cookie. */
const [EVERYWHERE, REFUSED, WITH_COOKIES] = [0x607, 0x5, 0x1];
const ATTEMPTS = 5;
const MSS = 536;
const LONG = 5_000;
const NONE = head([]);
const [ECONNREFUSED, EINPROGRESS] = [111, 115];

interface Exchange {
  readonly written: { readonly first: bigint; readonly returned: bigint };
  /** Sequence numbers of the first bytes of the two requests. */
  readonly starts: readonly [number, number];
  /** On whose traces handshakes are. */
  readonly handshakes: readonly RequestContext[];
  /** On whose traces what was sent again of the two requests is; undefined: on none. */
  readonly again: readonly [(RequestContext | undefined)[], (RequestContext | undefined)[]];
}

describe('requests with the SYN', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    const opened = await openStage(cleanup);
    opened.room.sysctl('net/ipv4/tcp_fastopen', String(EVERYWHERE));
    stage = { ...opened, ...(await opened.script.listen()) };
  });
  after(() => cleanup.run());
  beforeEach(() => stage.room.sysctl('net/ipv4/tcp_fastopen', String(EVERYWHERE)));

  const isMet = (way: string): boolean =>
    stage.watcher.source.plan.attached.some(
      ({ program }) => program === 'ws_syn' || (program === 'ws_write' && way !== 'fast-connect'),
    );

  async function arrive(client: number, server: number, bytes: number): Promise<void> {
    await stage.script.run('read', server, bytes);
    await waitFor('the acknowledgement', async () => (await stage.script.run('unacked', client)) === 0);
  }

  /** Two requests on a connection, the first with its SYN where that can be; each segment of the second is lost once. */
  async function playOnce(way: string, first: string, second: string, losesRest: boolean): Promise<Exchange> {
    const { script, dropper, watcher, room, port, listener } = stage;
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client, losesRest ? MSS : 0);
    dropper.spareNew(port);
    if (losesRest)
      room.filter(`tcp dport ${port} tcp flags & syn == 0 ip length > 300 numgen inc mod 2 0 drop`);
    const before = process.hrtime.bigint();
    let localPort = 0;
    if (way === 'fast-connect') {
      localPort = await script.run('fast-connect', client, port);
      await script.run('write', client, hex(first));
    } else {
      localPort = await script.run(way, client, port, hex(first));
    }
    const returned = process.hrtime.bigint();
    await script.run('accept', server, listener);
    await arrive(client, server, first.length);
    room.filter();
    const seq = await script.run('next', client, 1);
    dropper.lose(port);
    await script.run('write', client, hex(second));
    await arrive(client, server, second.length);
    dropper.spareNew(port);
    await script.run('close', client);
    await script.run('close', server);
    const again: Exchange['again'] = [[], []];
    for (const { seq: at, context } of watcher.retransmits(room.inode, localPort))
      again[((at - seq) | 0) < 0 ? 0 : 1].push(context);
    const handshakes = watcher
      .connections(room.inode, localPort, port)
      .flatMap((record) => (record.kind === 'handshake' && record.context ? [record.context] : []));
    return {
      written: { first: before, returned },
      starts: [(seq - first.length) >>> 0, seq],
      handshakes,
      again,
    };
  }

  /** Until what was lost was told: the kernel may skip a program. */
  async function play(
    way: string,
    first: string,
    second: string,
    loses: 'the first' | 'its rest' | 'the second' = 'the second',
  ): Promise<Exchange> {
    for (let attempt = 1; ; attempt += 1) {
      const exchange = await playOnce(way, first, second, loses === 'its rest');
      const [a, b] = exchange.again;
      if (b.length > 0 && a.length > 0 === (loses !== 'the second')) return exchange;
      assert.ok(attempt < ATTEMPTS, `${a.length} and ${b.length} segments shown, ${ATTEMPTS} times over`);
    }
  }

  function assertAll(
    found: readonly (RequestContext | undefined)[],
    context: Context | undefined,
    at: number | undefined,
  ): void {
    for (const each of found) {
      assert.deepEqual(plain(each), context);
      if (each !== undefined && at !== undefined) assert.equal(each.startSeq, at);
    }
  }

  for (const way of ['fast', 'try-fast', 'fast-connect']) {
    test(`${way}: the handshake and the next request are on their traces`, async () => {
      const [a, b] = [newContext(), newContext()];
      const { written, starts, handshakes, again } = await play(way, requestOf(a), requestOf(b));
      assert.equal(handshakes.length, isMet(way) ? 1 : 0);
      assertAll(handshakes, a, starts[0]);
      assertAll(again[1], isMet(way) ? b : undefined, starts[1]);
      for (const { requestStartNs } of handshakes)
        assert.ok(written.first <= requestStartNs && requestStartNs <= written.returned);
    });

    test(`${way}: a server that takes no data with the SYN`, async () => {
      stage.room.sysctl('net/ipv4/tcp_fastopen', String(REFUSED));
      const [a, b] = [newContext(), newContext()];
      const { starts, handshakes, again } = await play(way, requestOf(a), requestOf(b), 'the first');
      assert.equal(handshakes.length, isMet(way) ? 1 : 0);
      assertAll(handshakes, a, starts[0]);
      assertAll(again[0], isMet(way) ? a : undefined, starts[0]);
      assertAll(again[1], isMet(way) ? b : undefined, starts[1]);
    });

    test(`${way}: without a context, and with one that is not sampled`, async () => {
      const [a, b, c] = [newContext(0), newContext(), newContext()];
      const without = await play(way, NONE, requestOf(b));
      assert.deepEqual(without.handshakes, []);
      assertAll(without.again[1], isMet(way) ? b : undefined, without.starts[1]);
      const unsampled = await play(way, requestOf(a), requestOf(c));
      assert.deepEqual(unsampled.handshakes, []);
      assertAll(unsampled.again[1], isMet(way) ? c : undefined, unsampled.starts[1]);
    });

    test(`${way}: with a body in chunks: the handshake is on its trace, and what comes behind is given up`, async () => {
      const [a, b] = [newContext(), newContext()];
      const givenUp = (): number => stage.watcher.count('PROBE_REQUEST', 'MISS_FRAMING');
      const before = givenUp();
      const first = chunkedHead(a) + chunk('hello') + lastChunk();
      const { starts, handshakes, again } = await play(way, first, requestOf(b));
      assert.equal(handshakes.length, isMet(way) ? 1 : 0);
      assertAll(handshakes, a, starts[0]);
      assertAll(again[1], undefined, undefined);
      if (isMet(way)) assert.ok(givenUp() > before, 'it is counted');
    });

    if (way === 'try-fast') continue;
    test(`${way}: one that is longer than a SYN`, async () => {
      const [a, b] = [newContext(), newContext()];
      const long = requestOf(a, LONG);
      const { starts, handshakes, again } = await play(way, long, requestOf(b), 'its rest');
      assert.equal(handshakes.length, isMet(way) ? 1 : 0);
      assertAll(handshakes, a, starts[0]);
      assertAll(again[0], isMet(way) ? a : undefined, starts[0]);
      assertAll(again[1], isMet(way) ? b : undefined, starts[1]);
    });

    test(`${way}: a client without a cookie sends it after the handshake`, async () => {
      stage.room.sysctl('net/ipv4/tcp_fastopen', String(WITH_COOKIES));
      const [a, b] = [newContext(), newContext()];
      const { starts, handshakes, again } = await play(way, requestOf(a), requestOf(b));
      // The other one connects without it: none is where the machine stood still before the write.
      if (way === 'fast') assert.equal(handshakes.length, isMet(way) ? 1 : 0);
      assert.ok(handshakes.length <= 1, `${handshakes.length}`);
      assertAll(handshakes, a, starts[0]);
      assertAll(again[1], b, starts[1]);
    });

    test(`${way}: an attempt that fails is on the trace of what it was for`, async () => {
      const { script, watcher } = stage;
      const [client, closed, a] = [script.next(), TcpScript.newPort(), newContext()];
      await script.run('socket', client);
      const attempt = async (): Promise<void> => {
        if (way === 'fast') await script.run('fast', client, closed, hex(requestOf(a)));
        else {
          await script.run('fast-connect', client, closed);
          await script.run('write', client, hex(requestOf(a)));
        }
      };
      await assert.rejects(attempt, { errno: ECONNREFUSED });
      await script.run('close', client);
      const [failed, ...others] = watcher
        .records()
        .flatMap((record) =>
          record.kind === 'fail' && record.endpoints.peerPort === closed ? [record] : [],
        );
      assert.deepEqual(others, []);
      assert.ok(failed !== undefined);
      assert.equal(failed.error, 'connection_refused');
      assert.deepEqual(plain(failed.context), isMet(way) ? a : undefined);
    });
  }

  test('a write that is given up without a cookie: the one that comes instead is met', async () => {
    const { script, dropper, watcher, room, port, listener } = stage;
    room.sysctl('net/ipv4/tcp_fastopen', String(WITH_COOKIES));
    for (let attempt = 1; ; attempt += 1) {
      const [client, server, a, b] = [script.next(), script.next(), newContext(), newContext()];
      await script.run('socket', client);
      dropper.spareNew(port);
      await assert.rejects(script.run('try-fast', client, port, hex(requestOf(a))), { errno: EINPROGRESS });
      await script.run('accept', server, listener);
      const seq = await script.run('next', client, 1);
      dropper.lose(port);
      await script.run('write', client, hex(requestOf(b)));
      await arrive(client, server, requestOf(b).length);
      dropper.spareNew(port);
      await script.run('close', client);
      await script.run('close', server);
      const ofThis = watcher.records().filter((record) => 'seq' in record && record.seq === seq);
      const handshakes = watcher
        .records()
        .filter((record) => record.kind === 'handshake' && plain(record.context)?.traceId === a.traceId);
      assert.deepEqual(handshakes, []);
      const [again] = ofThis;
      assert.ok(attempt < ATTEMPTS, `no segment shown, ${ATTEMPTS} times over`);
      if (again === undefined || !('context' in again)) continue;
      assert.deepEqual(plain(again.context), b);
      return;
    }
  });

  test('a program that comes while another reads a head, on its CPU, reads none, which is counted', async () => {
    const { source } = stage.watcher;
    const stride = Math.ceil(KERNEL_MAPS.scratches.valueSize / 8) * 8;
    const value = new Uint8Array(stride * possibleCpus());
    const isAtWork = (busy: number): void => {
      for (let cpu = 0; cpu < possibleCpus(); cpu += 1) value[cpu * stride] = busy;
      source.update('scratches', new Uint8Array(4), value);
    };
    const busy = (): number => stage.watcher.count('PROBE_REQUEST', 'MISS_BUSY');
    const before = busy();
    isAtWork(1);
    try {
      const { handshakes, again } = await playOnce(
        'fast',
        requestOf(newContext()),
        requestOf(newContext()),
        false,
      );
      assert.deepEqual([handshakes, again[0], again[1].filter(Boolean)], [[], [], []]);
      // Others on this machine may have come to the same.
      assert.ok(busy() > before);
    } finally {
      isAtWork(0);
    }
    const a = newContext();
    assertAll((await play('fast', requestOf(a), requestOf(newContext()))).handshakes, a, undefined);
  });
});
