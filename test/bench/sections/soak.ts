import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cleanup } from '../../support/cleanup.ts';
import { NetNamespace } from '../../support/net-namespace.ts';
import { startAgent, startSink, type Sink } from '../agent.ts';
import { readCpu } from '../proc-stats.ts';
import { format, note, print } from '../report.ts';
import { readMemorySplit } from '../soak/memory-split.ts';
import { printExactness, printHeader, printLook, printMemory, printSlopes } from '../soak/print.ts';
import { addTruth, NOTHING, runRound, type Truth } from '../soak/rounds.ts';
import { Watch } from '../soak/watch.ts';
import type { Scale, Section, SoakPlan } from './section.ts';

/** Looks for each line of the table. */
const LOOKS_A_LINE = 6;

/** Whether the agent holds: what it takes over millions of connections, and whether its sums are the load's own. */
export const soak: Section = {
  name: 'soak',
  what: 'memory, descriptors and map entries over millions of connections, and whether sums stay exact',
  isOnRequest: true,
  async run({ isQuick, soak: plan }: Scale) {
    const cleanup = new Cleanup();
    try {
      await measure(plan, isQuick, cleanup);
    } finally {
      await cleanup.run();
    }
  },
};

/** A step that a signal does not prevent either: it ends this process by exit(), which waits for nothing. */
function onEnd(cleanup: Cleanup, step: () => void): void {
  process.once('exit', step);
  cleanup.add(() => {
    process.removeListener('exit', step);
    step();
  });
}

async function measure(plan: SoakPlan, isQuick: boolean, cleanup: Cleanup): Promise<void> {
  const room = new NetNamespace();
  onEnd(cleanup, () => room.remove());
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-soak-'));
  onEnd(cleanup, () => rmSync(folder, { recursive: true, force: true }));
  const heapFile = join(folder, 'heap');
  const sink = await startSink(true);
  cleanup.add(() => sink.stop());
  const agent = await startAgent(settingsOf(plan, isQuick, { sink, room, heapFile }));
  cleanup.add(async () => void (await agent.stop()));
  const watch = new Watch({
    pid: agent.pid,
    heapFile,
    connections: () => passiveOpens(room),
    tally: sink.tally,
  });
  cleanup.add(() => watch.stop());
  print(
    `\nSoak: ${format(plan.connections, 0)} connections in ${String(plan.minutes)} minutes, both ends here`,
  );
  printHeader();
  printLook(await watch.look(), NOTHING);
  const truth = await runLoads(plan, room, watch);
  printMemory(readMemorySplit(agent.pid), watch.heap());
  const { totalMs, userMs } = readCpu(agent.pid);
  note(
    `processor time of the agent: ${format(totalMs / 1000, 1)} s, ${format(userMs / 1000, 1)} s of it user`,
  );
  watch.stop();
  const { msg, ...last } = await agent.stop();
  note(`the agent's last line: ${msg === '' ? 'none' : JSON.stringify({ msg, ...last })}`);
  printSlopes(watch.looks);
  const differing = printExactness(truth, await sink.tally());
  if (differing.length > 0)
    throw new Error(`what was exported is not what was done: ${differing.join(', ')}`);
}

interface Places {
  readonly sink: Sink;
  readonly room: NetNamespace;
  readonly heapFile: string;
}

/**
 * The defaults, but for two: nobody else's traffic is seen, so that the load knows all of the truth, and all kinds of
 * spans of sampled requests are made, so that everything that is remembered for them is.
 */
function settingsOf(
  plan: SoakPlan,
  isQuick: boolean,
  { sink, room, heapFile }: Places,
): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint,
    WIRESPAN_FILTER_INCLUDE: `[{netns: ${String(room.inode)}}]`,
    WIRESPAN_SPANS_TCP_ACCEPT: 'correlated',
    WIRESPAN_SPANS_TCP_CONNECTION: 'correlated',
    NODE_OPTIONS: `--import=${join(import.meta.dirname, '..', 'soak', 'heap-probe.ts')}`,
    SOAK_HEAP_FILE: heapFile,
    ...(isQuick && { OTEL_METRIC_EXPORT_INTERVAL: String(plan.everySeconds * 1000) }),
    ...(plan.isByPeer && { WIRESPAN_ATTRIBUTES_NETWORK_PEER_ADDRESS: 'on' }),
  };
}

/** Rounds, evenly spread over the time, and a look now and then until it is over. */
async function runLoads(plan: SoakPlan, room: NetNamespace, watch: Watch): Promise<Truth> {
  const endsAt = performance.now() + plan.minutes * 60_000;
  const state = { truth: NOTHING };
  const isOver = new AbortController();
  const loads = runRounds(plan, room, endsAt, state).finally(() => isOver.abort());
  await Promise.all([loads, lookOn(plan, watch, state, isOver.signal)]);
  // What is exported and let go once more without a load.
  await sleep(plan.everySeconds * 1100);
  printLook(await watch.look(), state.truth);
  return state.truth;
}

async function runRounds(
  plan: SoakPlan,
  room: NetNamespace,
  endsAt: number,
  state: { truth: Truth },
): Promise<void> {
  const stepMs = (plan.minutes * 60_000) / plan.rounds;
  for (let index = 0; index < plan.rounds; index += 1) {
    const now = performance.now();
    if (now >= endsAt) {
      note(`only ${String(index)} of ${String(plan.rounds)} rounds fit into the time`);
      return;
    }
    await sleep(Math.max(0, endsAt - (plan.rounds - index) * stepMs - now));
    state.truth = addTruth(state.truth, await runRound(plan, index, room.name));
  }
}

async function lookOn(
  plan: SoakPlan,
  watch: Watch,
  state: { truth: Truth },
  signal: AbortSignal,
): Promise<void> {
  const everyMs = (plan.everySeconds * 1000) / LOOKS_A_LINE;
  for (let count = 1; !signal.aborted; count += 1) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    const look = await watch.look();
    if (count % LOOKS_A_LINE === 0) printLook(look, state.truth);
  }
}

function passiveOpens(room: NetNamespace): number {
  const lines = room
    .exec('cat', '/proc/net/snmp')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'));
  const [names = [], values = []] = lines.map((line) => line.split(' '));
  return Number(values[names.indexOf('PassiveOpens')] ?? NaN);
}
