import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NetNamespace } from '../support/net-namespace.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findPoints, totalOf, totalsBy } from './otlp.ts';
import { buildWorkloads, runChurn } from '../support/workloads.ts';
import type { ChurnOptions, ChurnTruth } from '../support/workloads.ts';

const PEERS = 100_000;
const PROCESSES = 10_000;

const ROLE = 'wirespan.tcp.handshake.role';
const OVERFLOW = 'otel.metric.overflow';
const PEER_LOAD = { connections: PEERS, pairs: 2, destinations: PEERS / 2 };
const PROCESS_LOAD = { connections: PROCESSES, pairs: 2, isShort: true };
const PEER = 'WIRESPAN_ATTRIBUTES_NETWORK_PEER_ADDRESS';
const PEER_ADDRESSES = { [PEER]: 'on' };
const SMALL_LIMITS = { WIRESPAN_SERIES_LIMIT: '20000', WIRESPAN_BPF_MAX_SERIES: '4096' };

interface Case {
  readonly name: string;
  /** All at once. */
  readonly loads: readonly (ChurnOptions & { readonly connections: number })[];
  readonly settings: Readonly<Record<string, string>>;
  readonly seriesLimit: number;
  /** The most memory the agent may have at any time, its start and end included: docs/overhead.md has what is usual. */
  readonly maxRssBytes: number;
}

const CASES: readonly Case[] = [
  {
    name: `${PEERS} peers, an address each`,
    loads: [PEER_LOAD],
    settings: { ...SMALL_LIMITS, ...PEER_ADDRESSES },
    seriesLimit: 20_000,
    maxRssBytes: 220e6,
  },
  {
    name: `${PROCESSES} processes that live for one connection`,
    loads: [PROCESS_LOAD],
    settings: { ...SMALL_LIMITS, WIRESPAN_BPF_MAX_OWNERS: '1024' },
    seriesLimit: 20_000,
    maxRssBytes: 220e6,
  },
  {
    name: 'both at once, under the limits that are the default',
    loads: [PEER_LOAD, PROCESS_LOAD],
    settings: PEER_ADDRESSES,
    seriesLimit: 50_000,
    maxRssBytes: 340e6,
  },
];

for (const { name, loads, settings, seriesLimit, maxRssBytes } of CASES) {
  describe(`cardinality: ${name}`, () => {
    const cleanup = new Cleanup();
    const connections = loads.reduce((sum, load) => sum + load.connections, 0);
    let truths: readonly ChurnTruth[];
    let output: Output;
    let peakBytes = 0;
    let bounds: string[];
    let failures: unknown[];

    before(async () => {
      await buildWorkloads();
      const room = new NetNamespace();
      cleanup.add(() => room.remove());
      const observation = await observe(cleanup, {
        settings: {
          // Overflow rows have no owner: nobody else's traffic may be in them.
          WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`,
          // The file of a collection of everything is large: fewer of them.
          OTEL_METRIC_EXPORT_INTERVAL: '5000',
          OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
          ...settings,
        },
      });
      const watch = setInterval(() => {
        peakBytes = Math.max(peakBytes, observation.agent.peakRssBytes());
      }, 20);
      cleanup.add(() => clearInterval(watch));
      truths = await Promise.all(
        loads.map(({ connections: share, ...options }) => runChurn(share, { ...options, netns: room.name })),
      );
      output = await observation.finish();
      clearInterval(watch);
      failures = observation.agent.log().filter(({ level }) => level === 'error' || level === 'fatal');
      bounds = observation.agent
        .log()
        .filter(({ msg }) => msg === 'a bound was met')
        .map(({ bound }) => String(bound));
    });
    after(() => cleanup.run());

    it('sums are exact: what has its own series, and what overflow swallowed', (t) => {
      const byRole = (metric: string): Record<string, number> =>
        totalsBy(findPoints(output.metrics, metric), [ROLE, OVERFLOW]);
      const opened = byRole('wirespan.tcp.connection.opened');
      const seconds = truths.map((truth) => truth.seconds).join(' and ');
      const bytesEachWay = truths.reduce((sum, truth) => sum + truth.bytesEachWay, 0);
      t.diagnostic(`${connections} connections in ${seconds} s: opened ${JSON.stringify(opened)}`);
      for (const [metric, expected] of [
        ['wirespan.tcp.connection.opened', 2 * connections],
        ['wirespan.tcp.connection.closed', 2 * connections],
        ['wirespan.tcp.io', 4 * bytesEachWay],
      ] as const)
        assert.equal(totalOf(output.metrics, metric), expected, metric);
    });

    it('series and kernel rows stay under their limits, and so does memory', (t) => {
      const most = (metric: string, attributes = {}): number =>
        Math.max(...findPoints(output.metrics, metric, { attributes }).map(({ value }) => value));
      const series = most('wirespan.agent.series.count');
      const workloads = most('wirespan.agent.workload.count');
      t.diagnostic(
        `${series} series, ${workloads} workloads, at most ${Math.round(peakBytes / 1e6)} MB resident`,
      );
      assert.ok(series > 0 && series <= seriesLimit);
      assert.ok(workloads <= 4_000);
      assert.ok(peakBytes > 0 && peakBytes < maxRssBytes, `${peakBytes} bytes resident`);
      for (const point of findPoints(output.metrics, 'wirespan.agent.map.usage')) {
        const map = String(point.attributes['wirespan.agent.map.name']);
        assert.ok(point.value <= most('wirespan.agent.map.limit', { 'wirespan.agent.map.name': map }), map);
      }
    });

    it('says what did not fit', () => {
      const lost = totalOf(output.metrics, 'wirespan.agent.event.lost', {
        attributes: { 'error.type': 'map_full' },
      });
      assert.deepEqual(failures, []);
      assert.ok(lost > 0, 'a kernel map must have been too small');
      // Too many peers: first their addresses are left out.
      const detail = PEER in settings ? 'network.peer.address' : 'server.port';
      const folded = totalOf(output.metrics, 'wirespan.tcp.connection.opened', {
        attributes: { [detail]: undefined },
      });
      assert.ok(folded > 0 && folded < 2 * connections, `${folded} without ${detail}`);
      const overflows = bounds.filter((bound) =>
        bound.startsWith('measurements in overflow series (series.limit'),
      );
      if (!loads.includes(PEER_LOAD)) assert.deepEqual(overflows, []);
    });

    it('no metric has more than 2,000 points of one resource in an export', () => {
      const counts = new Map<string, number>();
      for (const { name: metric, resource, timeNs } of output.metrics) {
        const key = `${metric} ${JSON.stringify(resource)} ${timeNs}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      assert.ok(Math.max(...counts.values()) <= 2_000);
    });
  });
}
