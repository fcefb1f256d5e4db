/** Ends that close() finds shut down already, and those that wait for the peer's FIN when their process is gone. */
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { STATE_NAMES } from '../../receiver/decode/names.ts';
import { STATE_KEY, STATE_SUMS } from '../../receiver/decode/generated/layout.ts';
import { METRIC_TCP_STATE_DURATION } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { ALL_SIGNALS, Watcher } from '../support/watcher.ts';
import { closePair, openPair, type Pair } from './rig/lives.ts';

const TIMES = 3;
const HELD_NS = 200_000_000n;
const CLIENT = 1;
const CHANGES = ['established fin_wait_1', 'fin_wait_1 fin_wait_2', 'fin_wait_2 closed'];

const now = (): bigint => process.hrtime.bigint();

/** What the workload knows of the time that one connection spent in a state, nanoseconds. */
interface Stay {
  readonly least: bigint;
  readonly most: bigint;
}

describe('states of half-closed connections', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let room: NetNamespace;
  let script: TcpScript;

  before(() => {
    ({ room, script } = TcpScript.open(cleanup));
    watcher = new Watcher({ emit: { ...ALL_SIGNALS.emit, state: true } });
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** Clients' visits to a state, and the time in all of them. */
  function stayed(state: string): { readonly count: number; readonly sumNs: number } {
    const { count, keys, keySize, values, stride } = watcher.source.read('state_durations');
    const [key, value] = [new DataView(keys.buffer), new DataView(values.buffer)];
    const cells = (METRIC_TCP_STATE_DURATION.boundaries?.length ?? 0) + 2;
    for (let row = 0; row < count; row += 1) {
      const at = row * keySize;
      const isMine =
        key.getUint32(at + STATE_KEY.owner + 8, true) === script.pid &&
        key.getUint8(at + STATE_KEY.role) === CLIENT &&
        STATE_NAMES[key.getUint8(at + STATE_KEY.state)] === state;
      if (!isMine) continue;
      const cell = (i: number): number =>
        Number(value.getBigUint64(row * stride + STATE_SUMS.duration + i * 8, true));
      return {
        count: Array.from({ length: cells - 1 }, (_, i) => cell(i)).reduce((a, b) => a + b),
        sumNs: cell(cells - 1),
      };
    }
    return { count: 0, sumNs: 0 };
  }

  /** The changes of a connection's client, in order. */
  function changes({ port }: Pair): string[] {
    return watcher
      .records()
      .filter((record) => record.kind === 'state')
      .filter(({ netns, endpoints }) => netns === room.inode && endpoints.peerPort === port)
      .map(({ previous, state }) => `${previous} ${state}`);
  }

  const isClosed = (pair: Pair): boolean => changes(pair).at(-1)?.endsWith(' closed') === true;

  async function shutThenClose(isAcked: boolean): Promise<{ pair: Pair; stay: Stay }> {
    const pair = await openPair(script);
    if (!isAcked) room.filter(`tcp dport ${pair.port} tcp flags & fin == fin drop`);
    const from = now();
    await script.run('shutdown', pair.client);
    if (isAcked)
      await waitFor(
        'the FIN to be acknowledged',
        async () => (await script.run('unacked', pair.client)) === 0,
      );
    const shut = now();
    await waitFor('some time to pass', () => now() - shut > HELD_NS);
    const least = now() - shut;
    await script.run('close', pair.client);
    room.filter();
    await waitFor('the end', () => isClosed(pair));
    const most = now() - from;
    await script.run('close', pair.server);
    await script.run('close', pair.listener);
    return { pair, stay: { least, most } };
  }

  for (const { name, isAcked } of [
    { name: 'fin_wait_2', isAcked: true },
    { name: 'fin_wait_1', isAcked: false },
  ])
    test(`shutdown(), and later close() in ${name}: all of the time counts, and is no change`, async () => {
      const before = stayed(name);
      let [least, most] = [0n, 0n];
      for (let i = 0; i < TIMES; i += 1) {
        const { pair, stay } = await shutThenClose(isAcked);
        least += stay.least;
        most += stay.most;
        assert.deepEqual(changes(pair), CHANGES);
      }
      const { count, sumNs } = stayed(name);
      assert.equal(count - before.count, TIMES);
      const spent = sumNs - before.sumNs;
      assert.ok(spent >= Number(least) && spent <= Number(most), `${spent} is in ${least} to ${most} ns`);
    });
});

/** `ss`'s words for the states that differ from ours. */
const SS_STATES: Readonly<Record<string, string>> = {
  estab: 'established',
  'fin-wait-2': 'fin_wait_2',
  'close-wait': 'close_wait',
  'time-wait': 'time_wait',
};

describe('sockets by state', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** What `ss` has, by state. */
  function shown(room: NetNamespace): Record<string, number> {
    const lines = room.exec('ss', '-Htan').trim().split('\n');
    const words = lines.map((line) => line.split(/\s+/)[0]?.toLowerCase() ?? '');
    return tally(words.map((word) => SS_STATES[word] ?? word));
  }

  test('as ss has them: those that wait for a FIN without their process are in FIN_WAIT2', async () => {
    const { room, script } = TcpScript.open(cleanup);
    const pairs: Pair[] = [];
    for (let i = 0; i < 26; i += 1) pairs.push(await openPair(script));
    // Before the closes: time-wait sockets last a minute.
    const counter = StateCounter.start(room);
    cleanup.add(() => counter.stop());
    await counter.ready();
    for (const [i, pair] of pairs.entries()) {
      if (i < 13) await script.run('close', pair.client);
      else if (i < 20) await script.run('shutdown', pair.client);
      else if (i < 25) await closePair(script, pair);
    }
    const states = { close_wait: 20, established: 2, fin_wait_2: 20, listen: 21, time_wait: 5 };
    await waitFor('the FINs to be acknowledged', () => isDeepStrictEqual(shown(room), states));
    assert.deepEqual(await counter.count(), states);
  });
});

/** Counts its own network namespace's sockets, in a process that is in the room. */
class StateCounter {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  static start(room: NetNamespace): StateCounter {
    const program = join(import.meta.dirname, 'rig', 'count-states.ts');
    const args = [`--net=/run/netns/${room.name}`, process.execPath, program];
    return new StateCounter(spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  async ready(): Promise<void> {
    assert.equal(await this.#line(), 'ready');
  }

  async count(): Promise<Record<string, number>> {
    this.#child.stdin.write('\n');
    const counts = JSON.parse(await this.#line()) as number[];
    const names = counts.map((_, state) => STATE_NAMES[state] ?? String(state));
    return tally(counts.flatMap((count, state) => Array<string>(count).fill(names[state] ?? '')));
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close');
  }

  async #line(): Promise<string> {
    const { value } = (await this.#lines.next()) as { value?: string };
    return value ?? 'the counter ended';
  }
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
