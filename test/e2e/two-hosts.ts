import { readFileSync } from 'node:fs';
import { createMetricStore } from '../../receiver/aggregate/metric-store.ts';
import { createEnricher } from '../../receiver/enrich/enricher.ts';
import { createExporters } from '../../receiver/export/exporters.ts';
import { createMetricLoop } from '../../receiver/export/metric-loop.ts';
import { readHostFacts } from '../../receiver/host/host-facts.ts';
import type { Owner } from '../../receiver/model/resource.ts';
import { METRIC_TCP_CONNECTION_CLOSED } from '../../semconv/index.ts';
import { exportSettings } from '../support/export-settings.ts';

/** Exports what an agent would on each of two hosts that run the same service: so many closed connections, in turn. */
export async function exportFromTwoHosts(
  endpoint: string,
  pid: number,
  closed: readonly (readonly [number, number])[],
): Promise<void> {
  const hosts = ['a', 'b'].map((letter) => agentOf(endpoint, letter.repeat(32), pid));
  for (const counts of closed) {
    for (const [index, host] of hosts.entries()) {
      host.close(counts[index] ?? 0);
      await host.export();
    }
  }
  for (const host of hosts) await host.stop();
}

interface Host {
  close(connections: number): void;
  export(): Promise<void>;
  stop(): Promise<void>;
}

/** Its workloads are services, as `resource.granularity: service` makes them: nothing but the host tells them apart. */
function agentOf(endpoint: string, hostId: string, pid: number): Host {
  const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
  const enricher = createEnricher({
    host: { ...readHostFacts('0.0.0'), hostId, hostName: hostId, bootId: hostId },
    granularity: 'service',
    maxEntries: 10,
    maxResources: 10,
    cgroupRoot: undefined,
    bootToUnixNs: (ns) => ns,
    now: () => performance.now(),
  });
  const store = createMetricStore({ temporality: 'cumulative', startUnixNs: now() - 1_000_000_000n });
  const exporters = createExporters(exportSettings({ endpoint, protocol: 'http/protobuf' }));
  if (exporters.metrics === undefined) throw new Error('metrics are off');
  const loop = createMetricLoop({
    sources: [store],
    exporter: exporters.metrics,
    intervalMs: 60_000,
    now,
  });
  return {
    close: (connections) =>
      store.add(METRIC_TCP_CONNECTION_CLOSED, enricher.resolve(ownerOf(pid)), {}, connections),
    export: () => loop.forceFlush(),
    stop: () => exporters.shutdown(1_000),
  };
}

function ownerOf(pid: number): Owner {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  const names = { command: 'traffic', executable: 'traffic' };
  return { pid, startNs: BigInt(ticks) * 10_000_000n, execs: 0, ...names, cgroupId: 0n, netns: 0 };
}
