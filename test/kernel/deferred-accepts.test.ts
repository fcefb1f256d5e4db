/** TCP_DEFER_ACCEPT: what the client thinks is in no round-trip time and in no handshake of the server's. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { METRIC_TCP_HANDSHAKE_DURATION, METRIC_TCP_RTT } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { ALL_SIGNALS, Watcher } from '../support/watcher.ts';

const CONNECTIONS = 7;
const ATTEMPTS = 5;
const THINKING_US = 1_000_000;
const SERVER = 2;

interface Served {
  readonly port: number;
  readonly clients: readonly number[];
  readonly servers: readonly number[];
}

const WITH_RTT_EVENTS = {
  emit: { ...ALL_SIGNALS.emit, latency: true },
  thresholds: { ...ALL_SIGNALS.thresholds, rttUs: THINKING_US / 2 },
};

describe('deferred accepts', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let room: NetNamespace;
  let script: TcpScript;
  let older: Served;

  before(async () => {
    ({ room, script } = TcpScript.open(cleanup));
    older = (await serveThoughtful(() => 0, endScript)).served;
    watcher = new Watcher(WITH_RTT_EVENTS);
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** So many connections whose clients think before they send; one exchange each. */
  async function serve({ deferSeconds = 30, thinkingMs = THINKING_US / 1_000 } = {}): Promise<Served> {
    const { listener, port } = await script.listen();
    await script.run('defer', listener, deferSeconds);
    const clients = Array.from({ length: CONNECTIONS }, () => script.next());
    for (const client of clients) {
      await script.run('socket', client);
      await script.run('connect', client, port);
    }
    await sleep(thinkingMs);
    const servers: number[] = [];
    for (const client of clients) {
      const server = script.next();
      await script.run('write', client, hex('request'));
      await script.run('accept', server, listener);
      await script.run('read', server, 'request'.length);
      servers.push(server);
    }
    await exchange({ port, clients, servers });
    return { port, clients, servers };
  }

  /**
   * Those whose clients' thinking outweighs their own round-trip time, by the kernel's own figures: on a machine that
   * stood still meanwhile it does not. `before` is what was left out of those before them.
   */
  async function serveThoughtful(count = leftOut, end = close): Promise<{ served: Served; before: number }> {
    for (let attempt = 1; ; attempt += 1) {
      const before = count();
      const served = await serve();
      const isAll = await isEach(served, (smoothed, smallest) => smoothed > 4 * smallest);
      if (isAll || attempt === ATTEMPTS) return { served, before };
      await end(served);
    }
  }

  /** A reply on each, which its client acknowledges when its 40 ms are over: one more sample of the server's. */
  async function exchange({ servers, clients }: Served): Promise<void> {
    for (const client of clients) await script.run('delay-acks', client);
    for (const server of servers) await script.run('write', server, hex('reply'));
    for (const server of servers)
      await waitFor('the acknowledgement', async () => (await script.run('unacked', server)) === 0);
  }

  /** Whether this holds for the kernel's own figures of each server's end. */
  async function isEach(
    { servers }: Served,
    is: (smoothed: number, smallest: number) => boolean,
  ): Promise<boolean> {
    for (const server of servers) {
      const smoothed = await script.run('info', server, 'rtt');
      if (!is(smoothed, await script.run('info', server, 'min_rtt'))) return false;
    }
    return true;
  }

  async function endScript({ clients, servers }: Served): Promise<void> {
    for (const server of servers) await script.run('close', server);
    for (const client of clients) {
      await script.run('drain', client);
      await script.run('close', client);
    }
  }

  async function close(served: Served): Promise<void> {
    await endScript(served);
    await waitFor('the ends', () => closes(served.port).length === CONNECTIONS);
  }

  const closes = (port: number) =>
    watcher.connections(room.inode, port).filter(({ kind }) => kind === 'close');
  const rttEvents = (port: number): number =>
    watcher
      .records()
      .filter((record) => record.kind === 'latency')
      .filter(({ endpoints }) => endpoints.localPort === port).length;
  /** Nothing before there is a watcher. */
  const leftOut = (): number => watcher?.count('PROBE_STATE', 'LEFT_OUT') ?? 0;

  /** Values of a histogram of the server's end. */
  function values(port: number, field: 'handshake' | 'rtt', buckets: number): number {
    const rows = watcher.series().filter((row) => row.port === port && row.role === SERVER);
    const cells = rows.flatMap((row) => Array.from({ length: buckets }, (_, i) => row.sum(field, i)));
    return cells.reduce((a, b) => a + b, 0);
  }

  const histograms = (port: number) => ({
    handshakes: values(port, 'handshake', (METRIC_TCP_HANDSHAKE_DURATION.boundaries?.length ?? 0) + 1),
    rtts: values(port, 'rtt', (METRIC_TCP_RTT.boundaries?.length ?? 0) + 1),
  });

  test('those that are older than the agent', async () => {
    watcher.pass();
    await close(older);
    assert.deepEqual(histograms(older.port), { handshakes: 0, rtts: 0 });
    assert.equal(leftOut(), 2 * CONNECTIONS, 'the round-trip times of a pass and the close');
  });

  test('what has the thinking time in it is left out, and counted', async () => {
    const { served, before } = await serveThoughtful();
    const smallest: number[] = [];
    for (const server of served.servers) {
      assert.ok((await script.run('info', server, 'rtt')) > THINKING_US / 2, 'the kernel has it in its own');
      smallest.push(await script.run('info', server, 'min_rtt'));
    }
    watcher.pass();
    await close(served);
    const { port } = served;
    assert.deepEqual(histograms(port), { handshakes: 0, rtts: 0 });
    assert.equal(
      leftOut() - before,
      3 * CONNECTIONS,
      'a handshake, and the round-trip times of a pass and the close',
    );
    assert.equal(rttEvents(port), 0);
    for (const end of closes(port)) {
      assert.equal(end.handshakeStartNs, end.establishedNs, 'not known');
      assert.equal(end.rttSmoothedUs, 0);
      assert.ok(end.rttMinUs > 0 && end.rttMinUs <= Math.max(...smallest), `${end.rttMinUs}`);
    }
  });

  test('what later samples outweigh is none of it', async () => {
    const before = leftOut();
    const served = await serve({ thinkingMs: 100 });
    await waitFor('the round-trip times to settle', async () => {
      await exchange(served);
      return isEach(served, (smoothed, smallest) => smoothed <= 2 * smallest);
    });
    watcher.pass();
    assert.deepEqual(histograms(served.port), { handshakes: 0, rtts: CONNECTIONS });
    await close(served);
    // That of a FIN is one more sample, which may be long where the machine stands still.
    const settled = closes(served.port).filter(({ rttSmoothedUs }) => rttSmoothedUs > 0).length;
    assert.deepEqual(histograms(served.port), { handshakes: 0, rtts: CONNECTIONS + settled });
    assert.equal(leftOut() - before, 2 * CONNECTIONS - settled, 'the handshakes, and what a FIN unsettled');
  });

  test('without it each connection has both', async () => {
    const before = leftOut();
    const served = await serve({ deferSeconds: 0, thinkingMs: 0 });
    await close(served);
    assert.deepEqual(histograms(served.port), { handshakes: CONNECTIONS, rtts: CONNECTIONS });
    assert.equal(leftOut() - before, 0);
  });
});
