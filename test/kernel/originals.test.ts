/**
 * The views beside the tools that they replace, as Debian has them, watching the same workload: the same lines. Most
 * tools need kprobes; where there are none, those that use tracepoints alone are tried.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { startView, type RunningView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';
import { startOriginal, type Original } from './rig/original.ts';

const [SENT, ANSWERED] = [5_003, 2_011];
/** A limit that nothing else here has. */
const BACKLOG = 61;
/** One of so many segments with data passes: the first is sent again, by a tail loss probe and a timeout. */
const DROP_ALL_BUT = 3;
/** After so long nothing more is on its way: of tools with an interval, longer than that. */
const [QUIET_MS, QUIET_INTERVAL_MS] = [1_500, 6_000];
const HAS_KPROBES = existsSync('/sys/bus/event_source/devices/kprobe');

interface Pair {
  readonly original: readonly string[];
  readonly view: readonly string[];
  /** Its programs are at tracepoints. */
  readonly isAtTracepoints?: boolean;
  /** Lines come at its interval. */
  readonly isByInterval?: boolean;
  /** Columns whose values are others, as docs/views.md says. */
  readonly differs?: readonly string[];
  /** Lines of the view for which the original has none, as docs/views.md says. */
  readonly isOurs?: (row: Row) => boolean;
  /** The same of the original's. */
  readonly isTheirs?: (row: Row) => boolean;
}

type Row = Readonly<Record<string, string>>;

/** Times, which each has read by a clock reading of its own: those of the same thing are no half handshake apart. */
const MILLISECONDS = ['MS', 'LAT(ms)'];
const TIMES = [...MILLISECONDS, 'TIME'];
const SAME_TIME_MS = 500;

const LINES: readonly Pair[] = [
  { original: ['tcplife'], view: ['tcplife'], isAtTracepoints: true },
  {
    original: ['tcpstates'],
    view: ['tcpstates'],
    isAtTracepoints: true,
    // Its task is the one that was interrupted.
    differs: ['PID', 'COMM'],
    isTheirs: ({ OLDSTATE }) => OLDSTATE === 'LISTEN',
  },
  { original: ['tcpconnect'], view: ['tcpconnect'] },
  { original: ['tcpconnlat'], view: ['tcpconnlat'] },
  { original: ['tcptracer'], view: ['tcptracer'] },
  { original: ['solisten'], view: ['solisten'] },
  { original: ['tcptop', '-C', '5'], view: ['tcptop', '-C', '5'], isByInterval: true },
  { original: ['bpftrace', '/usr/sbin/tcpaccept.bt'], view: ['tcpaccept'] },
  {
    original: ['bpftrace', '/usr/sbin/tcpretrans.bt'],
    view: ['tcpretrans', '-l'],
    differs: ['PID'],
    isOurs: (row) => row['T>'] === 'L>',
  },
];
const HISTOGRAMS: readonly Pair[] = [
  { original: ['tcprtt'], view: ['tcprtt'] },
  { original: ['tcpsynbl'], view: ['tcpsynbl'] },
];

const isDone = (pair: Pair): boolean => pair.isAtTracepoints === true || HAS_KPROBES;
const skipOf = (pair: Pair): string | false =>
  isDone(pair) ? false : 'this kernel has no kprobes; by hand in a virtual machine (docs/testing.md)';

/** Lines below the columns that have one of these ports, each word by its column's title. */
function rowsOf(text: string, ports: ReadonlySet<number>): Row[] {
  const rows: Row[] = [];
  let titles: string[] | undefined;
  for (const line of text.split('\n')) {
    const words = line.trim().split(/ +/);
    if (words.includes('PID')) titles = words;
    else if (titles !== undefined && words.some((word) => ports.has(Number(/\d+$/.exec(word)?.[0]))))
      rows.push(Object.fromEntries(titles.map((title, i) => [title, words[i] ?? ''])));
  }
  return rows;
}

/** What is compared: kibibytes are whole ones in the view, and of a time that it is one. */
function comparable(title: string, row: Row): string {
  const value = row[title] ?? '';
  if (title.endsWith('_KB')) return String(Math.trunc(Number(value)));
  if (!TIMES.includes(title)) return value;
  // How long a socket in the making was one is not kept.
  return /^[\d.:]+$/.test(value) || row['OLDSTATE'] === 'SYN_RECV' ? 'a time' : value;
}

/** Resolves when no row came for so long. */
async function waitUntilQuiet(quietMs: number, rows: () => number): Promise<void> {
  for (let last = -1; last !== rows();) {
    last = rows();
    await sleep(quietMs);
  }
}

/** Slots of the histogram below this title, without those at 0. */
function histogramOf(text: string, title: RegExp): string[] {
  const [, below = ''] = text.split(title);
  return [...below.matchAll(/(\d+) -> (\d+) +: (\d+)/g)]
    .filter(([, , , count]) => Number(count) > 0)
    .map(([slot]) => slot.replace(/ +/g, ' '));
}

describe('beside the tool that it replaces', () => {
  /** One connection with a loss, and one that is refused: their ports. */
  async function play(
    room: NetNamespace,
    client: TcpScript,
    server: TcpScript,
  ): Promise<ReadonlySet<number>> {
    const { listener, port } = await server.listen('listen', BACKLOG);
    // The first SYN is lost, so that a time with the handshake is a second longer than one without.
    room.filter(`tcp dport ${port} tcp flags syn numgen inc mod 1000 == 0 counter drop`);
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    const from = await client.run('connect', socket, port);
    await server.run('accept', accepted, listener);
    room.filter(`tcp dport ${port} meta length > 100 numgen inc mod ${DROP_ALL_BUT} != 2 counter drop`);
    await client.run('fill', socket, SENT);
    await server.run('read', accepted, SENT);
    await server.run('fill', accepted, ANSWERED);
    await client.run('read', socket, ANSWERED);
    await client.run('close', socket);
    await server.run('close', accepted);
    const [nobody, refused] = [client.next(), TcpScript.newPort()];
    await client.run('socket', nobody);
    await assert.rejects(client.run('connect', nobody, refused));
    return new Set([port, from, refused]);
  }

  async function watch(
    { original, view }: Pair,
    work: (watching: {
      readonly tool: Original;
      readonly ours: RunningView;
      readonly playOnce: () => Promise<ReadonlySet<number>>;
    }) => Promise<void>,
  ): Promise<void> {
    const cleanup = new Cleanup();
    try {
      const { room, client, server } = TcpScript.openPair(cleanup);
      const ours = await startView(cleanup, ...view);
      const tool = startOriginal(cleanup, ...original);
      await work({ tool, ours, playOnce: () => play(room, client, server) });
    } finally {
      await cleanup.run();
    }
  }

  for (const pair of LINES)
    it(`${pair.view.join(' ')}: the same lines`, { skip: skipOf(pair) }, () =>
      watch(pair, async ({ tool, ours, playOnce }) => {
        await waitFor(pair.original.join(' '), () => {
          assert.doesNotMatch(tool.stderr(), /error|failed/i);
          return /PID/.test(tool.stdout());
        });
        // Some print their columns before they watch: once they have shown something they do.
        for (let i = 0, seen: Row[] = []; seen.length === 0 && i < 5; i += 1) {
          const ports = await playOnce();
          await waitFor('a look', () => rowsOf(ours.stdout(), ports).length > 0);
          seen = rowsOf(tool.stdout(), ports);
        }
        const ports = await playOnce();
        await waitUntilQuiet(
          pair.isByInterval ? QUIET_INTERVAL_MS : QUIET_MS,
          () => [ours, tool].flatMap(({ stdout }) => rowsOf(stdout(), ports)).length,
        );
        const theirs = rowsOf(await tool.stop(), ports).filter((row) => pair.isTheirs?.(row) !== true);
        await ours.stop();
        const own = rowsOf(ours.stdout(), ports).filter((row) => pair.isOurs?.(row) !== true);
        const differs = new Set(pair.differs);
        const columns = Object.keys(own[0] ?? {}).filter((title) => title in (theirs[0] ?? {}));
        const titles = columns.filter((title) => !differs.has(title));
        assert.ok(titles.length > 2, titles.join(' '));
        const sorted = (rows: readonly Row[]): readonly (readonly [string, Row])[] =>
          rows
            .map(
              (row) => [titles.map((title) => `${title}=${comparable(title, row)}`).join(' '), row] as const,
            )
            .sort(([x], [y]) => (x < y ? -1 : 1));
        const [ofOurs, ofTheirs] = [sorted(own), sorted(theirs)];
        assert.ok(theirs.length > 0);
        assert.deepEqual(
          ofOurs.map(([line]) => line),
          ofTheirs.map(([line]) => line),
        );
        for (const [i, [line, row]] of ofOurs.entries())
          for (const title of MILLISECONDS) {
            const apart = Math.abs(Number(row[title]) - Number(ofTheirs[i]?.[1][title]));
            // Not a number: one of them has no such time.
            assert.ok(!(apart > SAME_TIME_MS), `${line}: ${title} is ${apart} ms apart`);
          }
      }),
    );

  for (const pair of HISTOGRAMS)
    it(`${pair.view.join(' ')}: the same histogram`, { skip: skipOf(pair) }, () =>
      watch(pair, async ({ tool, ours, playOnce }) => {
        await waitFor(pair.original.join(' '), () => /to end/.test(tool.stdout()));
        await playOnce();
        const theirs = await tool.stop();
        await ours.stop();
        const title =
          pair.view[0] === 'tcprtt' ? /All Addresses = .*\n/ : new RegExp(`backlog_max = ${BACKLOG}\n`);
        const expected = histogramOf(theirs, title);
        assert.ok(expected.length > 0, theirs);
        assert.deepEqual(histogramOf(ours.stdout(), title), expected);
      }),
    );
});
