/** A bucket of the handshake's duration reads as a number of lost SYNs, by the schedule that this kernel has. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { METRIC_TCP_HANDSHAKE_DURATION } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';

const CLIENT = 1;
const BOUNDS = METRIC_TCP_HANDSHAKE_DURATION.boundaries ?? [];
/** No test waits longer for one connection. */
const LONGEST_S = 7;

/** Seconds after the first SYN at which it is sent again: so many times after one more, then after twice as many. */
function schedule(linearTimeouts: number): number[] {
  const times: number[] = [];
  let [at, wait] = [0, 1];
  for (let i = 0; at < LONGEST_S; i += 1) {
    if (i > linearTimeouts) wait *= 2;
    at += wait;
    times.push(at);
  }
  return times;
}

function linearTimeouts(room: NetNamespace): number {
  const path = '/proc/sys/net/ipv4/tcp_syn_linear_timeouts';
  return Number(room.exec('sh', '-c', `cat ${path} 2>/dev/null || echo 0`)); // Linux 6.5
}

describe('lost SYNs', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let room: NetNamespace;
  let script: TcpScript;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
    watcher = new Watcher();
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** Buckets of the client's handshakes to a port that have a value. */
  function buckets(port: number): number[] {
    const rows = watcher.series().filter((row) => row.port === port && row.role === CLIENT);
    const all = Array.from({ length: BOUNDS.length + 1 }, (_, i) => i);
    return rows.flatMap((row) => all.filter((i) => row.sum('handshake', i) > 0));
  }

  test('one bucket for each number of them', async () => {
    const times = schedule(linearTimeouts(room));
    const ports: number[] = [];
    for (const _ of times) ports.push((await script.listen()).port);
    room.filter(
      ...ports.map(
        (port, i) => `tcp dport ${port} tcp flags & (syn | ack) == syn numgen inc mod 100 < ${i + 1} drop`,
      ),
    );
    const locals = new Map<number, number>();
    for (const port of ports) {
      const client = script.next();
      await script.run('socket', client);
      locals.set(port, await script.run('try-connect', client, port));
    }
    const opens = (port: number) =>
      watcher.connections(room.inode, locals.get(port) ?? 0, port).filter(({ kind }) => kind === 'open');
    const isOpen = (port: number): boolean => opens(port).length === 1;
    await waitFor('the connections', () => ports.every(isOpen), 60_000);
    for (const [i, port] of ports.entries()) {
      assert.equal(opens(port)[0]?.synRetransmits, i + 1);
      const [bucket = 0, ...others] = buckets(port);
      assert.deepEqual(others, []);
      assert.equal(BOUNDS[bucket - 1], times[i], `${i + 1} lost: sent again after ${times[i]} s`);
    }
  });
});
