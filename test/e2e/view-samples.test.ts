/** Views that print histograms, as commands: each sample of a workload that knows what it did. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { startView, type RunningView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';

const MESSAGES = 12;
const MESSAGE = 100;
/** Messages of a connection by another address, and of one by IPv6. */
const [OTHERS, OF_IPV6] = [5, 3];
/** So many histograms there can be, and so many addresses come besides. */
const [HISTOGRAMS, WITHOUT_PLACE] = [4_096, 53];
const BACKLOGS = [3, 5] as const;

/** A connection between two processes, and what each end should have sampled. */
interface Pair {
  readonly client: number;
  readonly server: number;
  readonly rtts: { readonly client: number[]; readonly server: number[] };
}

interface Slot {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** How often each power of two came: what the kernel's slots should hold. */
function slotsOf(values: readonly number[]): Slot[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const slot = Math.max(0, Math.floor(Math.log2(Math.max(1, value))));
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([slot, count]) => ({ from: slot === 0 ? 0 : 2 ** slot, to: 2 ** (slot + 1) - 1, count }));
}

const averageOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('views of samples', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('tcprtt: the RTT that the kernel had at each segment, by process, address and family', async () => {
    const { client, server } = TcpScript.openPair(cleanup);
    const connect = async (
      command: 'listen-any' | 'listen6',
      address: string,
    ): Promise<Pair & { port: number }> => {
      const { listener, port } = await server.listen(command);
      const [socket, accepted] = [client.next(), server.next()];
      await client.run(address === '::1' ? 'socket6' : 'socket', socket);
      if (address === '::1') await client.run('connect', socket, port);
      else await client.run('connect-to', socket, address, port);
      await server.run('accept', accepted, listener);
      return { client: socket, server: accepted, rtts: { client: [], server: [] }, port };
    };
    /** The server sends, and the client says nothing but that it came. */
    const send = async (
      { client: socket, server: accepted, rtts }: Pair,
      messages: number,
    ): Promise<void> => {
      const ends = [
        [client, socket, rtts.client],
        [server, accepted, rtts.server],
      ] as const;
      for (let i = 0; i < messages; i += 1) {
        const before = await Promise.all(
          ends.map(async ([script, s]) => [
            await script.run('info', s, 'rtt'),
            await script.run('info', s, 'segs_in'),
          ]),
        );
        await server.run('fill', accepted, MESSAGE);
        await client.run('read', socket, MESSAGE);
        await waitFor('its acknowledgement', async () => (await server.run('unacked', accepted)) === 0);
        for (const [end, [script, s, samples]] of ends.entries()) {
          const [rtt = 0, segments = 0] = before[end] ?? [];
          assert.equal(await script.run('info', s, 'segs_in'), segments + 1);
          samples.push(rtt);
        }
      }
    };
    const here = await connect('listen-any', '127.0.0.1');
    const there = await connect('listen-any', '127.77.7.7');
    const v6 = await connect('listen6', '::1');
    const views = new Map<string, RunningView>();
    const [ofClient, ofServer] = [String(client.pid), String(server.pid)];
    const commands = {
      client: ['--pid', ofClient, '-P', String(here.port)],
      server: ['--pid', ofServer, '-p', String(here.port), '-a', '127.0.0.1', '-b'],
      there: ['--pid', ofClient, '-B', '-A', '127.77.7.7', '-m'],
      v6: ['--pid', ofServer, '-6', '-i', '1'],
    };
    await Promise.all(
      Object.entries(commands).map(async ([name, options]) =>
        views.set(name, await startView(cleanup, 'tcprtt', '--json', ...options)),
      ),
    );
    await send(here, MESSAGES);
    await send(there, OTHERS);
    await send(v6, OF_IPV6);
    await waitFor('the interval', () => (views.get('v6')?.rows() ?? []).length > 0);
    const shown = async (name: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
      const view = views.get(name);
      assert.equal(await view?.stop(), 0);
      assert.equal(view?.stderr(), 'wirespan tcprtt: watches; Ctrl-C ends it\n');
      return (view?.rows() ?? []).map(({ time: _, ...row }) => row);
    };
    const expected = (rtts: readonly number[], unit = 1): object => ({
      samples: rtts.length,
      average_us: averageOf(rtts),
      unit: unit === 1 ? 'us' : 'ms',
      slots: slotsOf(rtts.map((us) => Math.floor(us / unit))),
    });
    assert.deepEqual(await shown('client'), [expected(here.rtts.client)]);
    assert.deepEqual(await shown('server'), [{ local_address: '127.0.0.1', ...expected(here.rtts.server) }]);
    assert.deepEqual(await shown('there'), [
      { remote_address: '127.77.7.7', ...expected(there.rtts.client, 1000) },
    ]);
    const intervals = await shown('v6');
    const sampled = intervals.reduce((sum, row) => sum + Number(row['samples']), 0);
    assert.equal(sampled, OF_IPV6);
  });

  it('tcpsynbl: the queue that each connection met, by its limit, of the process that was asked for', async () => {
    const { client, server } = TcpScript.openPair(cleanup);
    const view = await startView(cleanup, 'tcpsynbl', '--json', '--pid', String(server.pid));
    const meet = async (script: TcpScript, backlog: number): Promise<void> => {
      const { listener, port } = await script.listen('listen', backlog);
      // One more than the limit finds a place.
      for (let i = 0; i <= backlog; i += 1) {
        const socket = client.next();
        await client.run('socket', socket);
        await client.run('connect', socket, port);
      }
      for (let i = 0; i <= backlog; i += 1) await script.run('accept', script.next(), listener);
    };
    for (const backlog of BACKLOGS) await meet(server, backlog);
    await meet(client, OTHERS);
    assert.equal(await view.stop(), 0);
    const lengths = (backlog: number): number[] => Array.from({ length: backlog + 1 }, (_, i) => i);
    assert.deepEqual(
      view.rows().map(({ time: _, ...row }) => row),
      BACKLOGS.map((backlog) => ({
        backlog_max: backlog,
        samples: backlog + 1,
        slots: slotsOf(lengths(backlog)),
      })),
    );
  });

  it('softirqs -C and -d: as many runs as the kernel counted', async () => {
    const counted = (): Map<string, number> =>
      new Map(
        readFileSync('/proc/softirqs', 'utf8')
          .split('\n')
          .flatMap((row) => {
            const [, name, figures] = /^ *(\w+):(.*)$/.exec(row) ?? [];
            if (name === undefined || figures === undefined) return [];
            const runs = figures.trim().split(/ +/).map(Number);
            return [[name.toLowerCase(), runs.reduce((a, b) => a + b, 0)] as const];
          }),
      );
    const before = counted();
    const views = await Promise.all([
      startView(cleanup, 'softirqs', '-C', '--json'),
      startView(cleanup, 'softirqs', '-d', '--json'),
    ]);
    const watched = counted();
    const { client, server } = TcpScript.openPair(cleanup);
    const { listener, port } = await server.listen();
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    await client.run('connect', socket, port);
    await server.run('accept', accepted, listener);
    await client.run('fill', socket, MESSAGE);
    await server.run('read', accepted, MESSAGE);
    const last = counted();
    for (const view of views) assert.equal(await view.stop(), 0);
    const ended = counted();
    for (const view of views) {
      const runs = new Map(view.rows().map(({ softirq, runs: count }) => [softirq, Number(count)]));
      assert.ok((runs.get('net_rx') ?? 0) > 0, view.stdout());
      for (const [vector, first] of watched) {
        const [seen, least] = [runs.get(vector) ?? 0, (last.get(vector) ?? 0) - first];
        const most = (ended.get(vector) ?? 0) - (before.get(vector) ?? 0);
        assert.ok(least <= seen && seen <= most, `${vector}: ${least} <= ${seen} <= ${most}`);
      }
    }
  });

  it('tcprtt -B: addresses without a place are counted, and said', async () => {
    const { client, server } = TcpScript.openPair(cleanup);
    const { listener, port } = await server.listen('listen-any');
    const view = await startView(cleanup, 'tcprtt', '--json', '-B', '--pid', String(client.pid));
    const [socket, accepted] = [client.next(), server.next()];
    for (let i = 0; i < HISTOGRAMS + WITHOUT_PLACE; i += 1) {
      await client.run('socket', socket);
      await client.run('connect-to', socket, `127.1.${Math.floor(i / 250)}.${(i % 250) + 1}`, port);
      await server.run('accept', accepted, listener);
      await server.run('fill', accepted, 1);
      await client.run('read', socket, 1);
      await client.run('close', socket);
      await server.run('close', accepted);
    }
    assert.equal(await view.stop(), 0);
    assert.deepEqual(
      [view.rows().length, view.rows().every(({ samples }) => samples === 1)],
      [HISTOGRAMS, true],
    );
    const words = 'are missing of what was counted: the kernel side has no more room';
    assert.ok(view.stderr().includes(`wirespan tcprtt: ${WITHOUT_PLACE} ${words}\n`), view.stderr());
  });
});
