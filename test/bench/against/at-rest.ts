import { setTimeout as sleep } from 'node:timers/promises';
import { startSink } from '../agent.ts';
import { hold } from '../load.ts';
import { readCpu } from '../proc-stats.ts';
import { treeBuild, withAgentOf, type Build } from './build.ts';
import type { Pair } from './pairs.ts';
import type { Part } from './part.ts';

const DEFAULT_INTERVAL_S = 60;
/** So many collections are in a window that it hardly matters where it begins. */
const FAST_MS = 250;
const FIRST_SECONDS_MS = 4_000;
const CONNECTIONS = 25_000;
/** Each is a series of its client. One client alone would go beyond its share of the kernel's rows. */
const PEERS = 5_000;
const CLIENTS = 10;

/** Windows of a run; each has one pair. */
interface Windows {
  readonly count: number;
  readonly ms: number;
}

/** The agent's own processor time: both builds' agents run beside each other, and are read in the same windows. */
export const atRest: Part = {
  figures: [
    { key: 'idle', label: 'agent at rest, without collections', unit: '% of a core', digits: 3 },
    { key: 'collection', label: '… one collection', unit: 'ms' },
    { key: 'whole', label: 'agent at rest, default interval', unit: '% of a core', digits: 3, aim: '≤ 0.50' },
  ],
  async measure(against, isQuick) {
    const windows = { count: 10, ms: isQuick ? 2_000 : 4_000 };
    const idle = await cpuOfBoth(against, {}, windows);
    const often = await cpuOfBoth(against, { OTEL_METRIC_EXPORT_INTERVAL: String(FAST_MS) }, windows);
    return idle.map((pair, i) => {
      const reading = (side: 'against' | 'tree') => {
        const share = pair[side]['msPerS'] ?? NaN;
        const collection = (((often[i]?.[side]['msPerS'] ?? NaN) - share) * FAST_MS) / 1000;
        return { idle: share / 10, collection, whole: (share + collection / DEFAULT_INTERVAL_S) / 10 };
      };
      return { against: reading('against'), tree: reading('tree') };
    });
  },
};

/** The same with much to collect. */
export const collection: Part = {
  figures: [
    {
      key: 'ms',
      label: 'a collection, 50,000 sockets, 5,000 peers',
      unit: 'ms',
      digits: 1,
      aim: '≤ 0.50',
    },
  ],
  async measure(against, isQuick) {
    const intervalMs = 2_000;
    const held = await Promise.all(
      Array.from({ length: CLIENTS }, () => hold(CONNECTIONS / CLIENTS, CONNECTIONS / PEERS)),
    );
    try {
      const settings = {
        OTEL_METRIC_EXPORT_INTERVAL: String(intervalMs),
        WIRESPAN_ATTRIBUTES_NETWORK_PEER_ADDRESS: 'on',
      };
      const windows = { count: 10, ms: (isQuick ? 2 : 3) * intervalMs };
      const pairs = await cpuOfBoth(against, settings, windows);
      const reading = (share = NaN) => ({ ms: (share * intervalMs) / 1000 });
      return pairs.map((pair) => ({
        against: reading(pair.against['msPerS']),
        tree: reading(pair.tree['msPerS']),
      }));
    } finally {
      for (const { release } of held) await release();
    }
  },
};

/** Milliseconds a second of all threads of both agents, window by window. */
function cpuOfBoth(
  against: Build,
  settings: Readonly<Record<string, string>>,
  windows: Windows,
): Promise<Pair[]> {
  return withBoth(against, settings, async (pids) => {
    await sleep(FIRST_SECONDS_MS);
    const pairs: Pair[] = [];
    for (let i = 0; i < windows.count; i += 1) {
      const read = () => ({ at: performance.now(), cpu: pids.map((pid) => readCpu(pid).totalMs) });
      const before = read();
      await sleep(windows.ms);
      const after = read();
      const [ofAgainst, ofTree] = after.cpu.map((ms, side) => ({
        msPerS: ((ms - (before.cpu[side] ?? NaN)) * 1000) / (after.at - before.at),
      }));
      if (ofAgainst && ofTree) pairs.push({ against: ofAgainst, tree: ofTree });
    }
    return pairs;
  });
}

/** With an agent of each build, which begin one after the other. */
async function withBoth<T>(
  against: Build,
  settings: Readonly<Record<string, string>>,
  work: (pids: readonly [number, number]) => Promise<T>,
): Promise<T> {
  const sinks = [await startSink(), await startSink()] as const;
  const of = (side: 0 | 1) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: sinks[side].endpoint, ...settings });
  try {
    return await withAgentOf(against, of(0), (first) =>
      withAgentOf(treeBuild, of(1), (second) => work([first.pid, second.pid])),
    );
  } finally {
    for (const sink of sinks) await sink.stop();
  }
}
