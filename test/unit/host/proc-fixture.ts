import { join } from 'node:path';
import { createEnricher, type Enricher, type EnricherOptions } from '../../../receiver/enrich/enricher.ts';
import type { Owner } from '../../../receiver/model/resource.ts';

export const procRoot = join(import.meta.dirname, '../../fixtures/proc');
export const startNs = 50_000_000_000n;
export const host = {
  hostId: 'f'.repeat(32),
  hostName: 'node-1',
  hostArch: 'amd64',
  agentInstanceId: 'i',
  bootId: 'b',
  version: '0.1.0',
};

/** A process of the fixture's `/proc`. */
export function owner(pid: number, more: Partial<Owner> = {}): Owner {
  const facts = { command: 'comm', executable: 'exe', cgroupId: 0n, netns: 1 };
  return { pid, startNs: startNs + 7n, execs: 0, ...facts, ...more };
}

/** An enricher over the fixture's `/proc`. */
export function enricher(options: Partial<EnricherOptions> = {}): Enricher {
  return createEnricher({
    procRoot,
    host,
    granularity: 'auto',
    maxEntries: 100,
    maxResources: 2_000,
    bootToUnixNs: (ns) => 1_700_000_000_000_000_000n + ns,
    now: () => 0,
    ...options,
  });
}
