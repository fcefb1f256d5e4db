import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { startCollector } from '../backends/run.ts';
import type { Collector } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
import { endOf, livingOf, npmStart, parentOf, processesBelow, whenReady } from './npm-start.ts';
import type { NpmStart, NpmStatus } from './npm-start.ts';
import { otlpSettings, readOutput } from './observe.ts';
import { totalOf } from './otlp.ts';
import { connectPair, endPair, move, trafficAs, TrafficProcess } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

/** Payload of the connections that each run sees; one more stays open and has moved OPEN_BYTES. */
const CLOSED_BYTES = [10_007, 20_011, 30_011];
const OPEN_BYTES = 40_009;
/** All that happens, happens in the last interval: what a stop loses is lost whole. */
const SETTINGS = { OTEL_METRIC_EXPORT_INTERVAL: '600000', WIRESPAN_SHUTDOWN_DEADLINE: '20s' };
const REPEAT_MS = 20;

interface Stop {
  /** What it is started through. */
  readonly through?: readonly string[];
  readonly signal: (run: NpmStart) => void;
  /** The signal comes again and again until all has ended. */
  readonly isRepeated?: boolean;
  /** How the first process ends. Default: status 0, which is the agent's own. */
  readonly ends?: NpmStatus;
  /** npm itself is hit when its child has ended already: how it ends is a race of npm's own. */
  readonly isNpmHit?: boolean;
}

const group = (signal: NodeJS.Signals) => (run: NpmStart) => run.signalGroup(signal);
const npmAlone = (signal: NodeJS.Signals) => (run: NpmStart) => void process.kill(run.pid, signal);
const agentAlone = (signal: NodeJS.Signals) => (run: NpmStart) => void process.kill(run.agentPid(), signal);
const inTurn = (run: NpmStart): void => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) run.signalGroup(signal);
};

const STOPS: Readonly<Record<string, Stop>> = {
  'SIGTERM to the group': { signal: group('SIGTERM') },
  'SIGINT to the group': { signal: group('SIGINT') },
  // npm does nothing about SIGHUP and dies of it, and the agent ends with npm.
  'SIGHUP to the group': { signal: group('SIGHUP'), ends: [null, 'SIGHUP'] },
  'SIGTERM to the group again and again': { signal: group('SIGTERM'), isRepeated: true, isNpmHit: true },
  'SIGINT to the group again and again': { signal: group('SIGINT'), isRepeated: true, isNpmHit: true },
  'all three to the group again and again': { signal: inTurn, isRepeated: true, isNpmHit: true },
  'SIGTERM to npm again and again': { signal: npmAlone('SIGTERM'), isRepeated: true, isNpmHit: true },
  'SIGHUP to npm': { signal: npmAlone('SIGHUP'), ends: [null, 'SIGHUP'] },
  'SIGKILL to npm': { signal: npmAlone('SIGKILL'), ends: [null, 'SIGKILL'] },
  'SIGTERM to the agent again and again': { signal: agentAlone('SIGTERM'), isRepeated: true },
  'SIGINT to the agent again and again': { signal: agentAlone('SIGINT'), isRepeated: true },
  'SIGTERM to timeout, which signals it and the group': {
    through: ['timeout', '600'],
    signal: (run) => void process.kill(run.pid, 'SIGTERM'),
  },
};

/** Ids of our own programs in the kernel. */
function listPrograms(): Set<number> {
  const all = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show']).toString()) as {
    id: number;
    name?: string;
  }[];
  return new Set(all.filter(({ name = '' }) => name.startsWith('ws_')).map(({ id }) => id));
}

describe('the whole last interval leaves, whatever stops npm start', () => {
  const cleanup = new Cleanup();
  const ports = new Map<string, { closed: number[]; open: number }>();
  let collector: Collector;
  let programs: Set<number>;
  let client: TrafficProcess;
  let server: TrafficProcess;

  before(async () => {
    await buildWorkloads();
    programs = listPrograms();
    collector = await startCollector({ outputDir: join(cleanup.makeFolder(), 'collector') });
    cleanup.add(() => collector.stop());
    client = new TrafficProcess(trafficAs(cleanup, 'stops-client'));
    server = new TrafficProcess(trafficAs(cleanup, 'stops-server'));
    cleanup.add(() => Promise.all([client.stop(), server.stop()]));
  });
  after(() => cleanup.run());

  const makeTraffic = async (): Promise<{ closed: number[]; open: number }> => {
    const closed = [];
    for (const bytes of CLOSED_BYTES) {
      const pair = await connectPair(client, server, '127.0.0.1');
      await move(pair.client, pair.server, bytes);
      await endPair(pair);
      closed.push(pair.port);
    }
    const pair = await connectPair(client, server, '127.0.0.1');
    await move(pair.client, pair.server, OPEN_BYTES);
    return { closed, open: pair.port };
  };

  const end = async (run: NpmStart, { signal, isRepeated = false }: Stop): Promise<NpmStatus> => {
    let hasEnded = false;
    void run.ended.finally(() => (hasEnded = true));
    const givesUpAt = Date.now() + 40_000;
    signal(run);
    while (isRepeated && !hasEnded && Date.now() < givesUpAt) {
      await sleep(REPEAT_MS);
      try {
        signal(run);
      } catch {
        // It has ended in between.
      }
    }
    return await endOf(run);
  };

  for (const [name, stop] of Object.entries(STOPS)) {
    it(name, async () => {
      const run = npmStart(cleanup, { ...otlpSettings(collector), ...SETTINGS }, stop.through);
      await whenReady(run);
      const [agent, ...more] = processesBelow(parentOf(run.agentPid()));
      assert.match(agent?.command ?? '', /node .*receiver\/main\.ts run --output=none$/);
      assert.deepEqual(more, [], 'npm has the agent for a child and nothing else');
      ports.set(name, await makeTraffic());
      const ended = await end(run, stop);
      if (stop.isNpmHit !== true) assert.deepEqual(ended, stop.ends ?? [0, null], run.stderr());
      assert.equal(run.log().at(-1)?.msg, 'stopped', run.stderr());
      await waitFor('all of it to be gone', () => livingOf(run.pid).length === 0);
      // The kernel frees programs after a grace period.
      await waitFor('our programs to be gone', () => [...listPrograms()].every((id) => programs.has(id)));
    });
  }

  it('every sum of each run has left, exactly', async () => {
    await collector.stop();
    const { metrics } = readOutput(collector);
    const sums = (port: number, name: string, pid: number, more = {}): number =>
      totalOf(metrics, name, { pids: new Set([pid]), attributes: { 'server.port': port, ...more } });
    const seen: Record<string, unknown> = {};
    const expected: Record<string, unknown> = {};
    for (const [name, { closed, open }] of ports) {
      const all = [...closed, open];
      seen[name] = {
        sent: all.map((port) =>
          sums(port, 'wirespan.tcp.io', client.pid, { 'network.io.direction': 'transmit' }),
        ),
        opened: all.map((port) => sums(port, 'wirespan.tcp.connection.opened', server.pid)),
        closed: all.map((port) => sums(port, 'wirespan.tcp.connection.closed', client.pid)),
      };
      expected[name] = { sent: [...CLOSED_BYTES, OPEN_BYTES], opened: [1, 1, 1, 1], closed: [1, 1, 1, 0] };
    }
    assert.deepEqual(seen, expected);
    assert.equal(ports.size, Object.keys(STOPS).length);
  });
});
