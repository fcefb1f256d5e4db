import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NetNamespace } from '../support/net-namespace.ts';
import { inCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { makeMemoryCgroup, type MemoryCgroup } from './memory-cgroup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { totalOf } from './otlp.ts';
import { buildWorkloads, runChurn } from '../support/workloads.ts';
import type { ChurnTruth } from '../support/workloads.ts';

const LIMIT = 150e6;
const LOADS = [
  { connections: 100_000, pairs: 2, destinations: 50_000 },
  { connections: 10_000, pairs: 2, isShort: true },
];

describe('a small node: the agent with profile small in 150 MB, kernel memory included', () => {
  const cleanup = new Cleanup();
  let group: MemoryCgroup | undefined;
  let truths: readonly ChurnTruth[];
  let output: Output;
  let peak = 0;

  before(async () => {
    group = makeMemoryCgroup(cleanup, `wirespan-small-${String(process.pid)}`, LIMIT);
    if (group === undefined) throw new Error('no control group of this machine limits memory');
    const { folder, used } = group;
    await buildWorkloads();
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const observation = await observe(cleanup, {
      launcher: inCgroup(folder),
      settings: {
        WIRESPAN_PROFILE: 'small',
        WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`,
        OTEL_METRIC_EXPORT_INTERVAL: '5000',
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
        WIRESPAN_ATTRIBUTES_NETWORK_PEER_ADDRESS: 'on',
      },
    });
    const watch = setInterval(() => (peak = Math.max(peak, used())), 20);
    cleanup.add(() => clearInterval(watch));
    truths = await Promise.all(
      LOADS.map(({ connections, ...options }) => runChurn(connections, { ...options, netns: room.name })),
    );
    output = await observation.finish();
  });
  after(() => cleanup.run());

  it('lives, and nothing of it was killed', (t) => {
    t.diagnostic(`at most ${Math.round(peak / 1e6)} MB charged`);
    assert.equal(group?.kills(), 0);
    assert.ok(peak > 50e6 && peak <= LIMIT);
  });

  it('counts every connection and every byte', () => {
    const connections = truths.reduce((sum, truth) => sum + truth.connections, 0);
    const bytes = truths.reduce((sum, truth) => sum + truth.bytesEachWay, 0);
    assert.equal(connections, 110_000);
    assert.equal(totalOf(output.metrics, 'wirespan.tcp.connection.opened'), 2 * connections);
    assert.equal(totalOf(output.metrics, 'wirespan.tcp.connection.closed'), 2 * connections);
    assert.equal(totalOf(output.metrics, 'wirespan.tcp.io'), 4 * bytes);
  });
});
