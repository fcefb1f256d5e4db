import { startSink } from '../agent.ts';
import { readPeakRssMb } from '../proc-stats.ts';
import { NetNamespace } from '../../support/net-namespace.ts';
import { runChurn, type ChurnOptions } from '../../support/workloads.ts';
import { startAgentOf, treeBuild, type Build } from './build.ts';
import { startCounter } from './byte-counter.ts';
import { takePairs } from './pairs.ts';
import type { Part } from './part.ts';

const PEERS = 100_000;
const PROCESSES = 10_000;
const SENT = { connections: 1_000, pairs: 25 };

interface Load extends ChurnOptions {
  readonly connections: number;
}

const PEER_LOAD: Load = { connections: PEERS, pairs: 2, destinations: PEERS / 2 };
const PROCESS_LOAD: Load = { connections: PROCESSES, pairs: 2, isShort: true };
const BY_PEER = { WIRESPAN_ATTRIBUTES_NETWORK_PEER_ADDRESS: 'on' };

/** What leaves for the collector, from the agent's start to its end. */
export const sent: Part = {
  figures: [
    {
      key: 'bytes',
      label: 'sent for 1,000 connections of 50 processes, gzip',
      unit: 'bytes',
      digits: 0,
      aim: '≤ 0.70',
    },
  ],
  measure: (against, isQuick) =>
    takePairs(isQuick ? 3 : 10, { against, tree: treeBuild }, async (build) => {
      const { bytes } = await runLoad(build, SENT, { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' });
      return { bytes };
    }),
};

/** The most memory under loads that are many peers, and many processes. */
export const peaks: Part = {
  figures: [
    { key: 'peers', label: 'highest memory, 100,000 peers', unit: 'MB', digits: 1, aim: '≤ 0.65' },
    { key: 'processes', label: 'highest memory, 10,000 processes', unit: 'MB', digits: 1, aim: '≤ 0.65' },
  ],
  measure: (against, isQuick) =>
    takePairs(isQuick ? 1 : 10, { against, tree: treeBuild }, async (build) => {
      const { peakMb: peers } = await runLoad(build, PEER_LOAD, { ...OFTEN, ...BY_PEER });
      const { peakMb: processes } = await runLoad(build, PROCESS_LOAD, OFTEN);
      return { peers, processes };
    }),
};

/** As in the figures that the aims are of: collections while the load goes on. */
const OFTEN = { OTEL_METRIC_EXPORT_INTERVAL: '5000' };

/** An agent that sees nothing but this load, in a network namespace of its own. */
async function runLoad(
  build: Build,
  { connections, ...options }: Load,
  settings: Readonly<Record<string, string>>,
): Promise<{ readonly bytes: number; readonly peakMb: number }> {
  const room = new NetNamespace();
  const sink = await startSink();
  const counter = await startCounter(Number(new URL(sink.endpoint).port));
  try {
    const agent = await startAgentOf(build, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${counter.port}`,
      WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`,
      ...settings,
    });
    const peak = watchPeak(agent.pid);
    try {
      await runChurn(connections, { ...options, netns: room.name });
    } finally {
      await agent.stop();
      peak.stop();
    }
    return { bytes: counter.bytes(), peakMb: peak.mb() };
  } finally {
    counter.close();
    await sink.stop();
    room.remove();
  }
}

/** Also while it ends: the last collection is part of the load. */
function watchPeak(pid: number): { readonly mb: () => number; readonly stop: () => void } {
  let mb = readPeakRssMb(pid);
  const timer = setInterval(() => {
    try {
      mb = Math.max(mb, readPeakRssMb(pid) || 0);
    } catch {
      // It has just ended: what was read before holds.
    }
  }, 20);
  return { mb: () => mb, stop: () => clearInterval(timer) };
}
