import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { dumpConfig } from '../../../config/index.ts';
import { memoryBound, renderMemoryBound } from '../../../receiver/agent/memory-bound.ts';
import { KERNEL_MAPS } from '../../../receiver/source/generated/maps.ts';
import { mapMemory } from '../../../receiver/source/map-memory.ts';
import { load, sourcesOf } from '../config/sources.ts';

function totalOf(parts: ReturnType<typeof memoryBound>['kernel']): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

const CPUS = 2;
const overhead = readFileSync(join(import.meta.dirname, '../../../docs/overhead.md'), 'utf8');

describe('the memory that settings come to', () => {
  it('of kernel maps is what Linux 6.18 with 2 CPUs says of them (bytes_memlock of bpftool)', () => {
    const { atStart, onDemand } = mapMemory({ series: 16_384, connections: 262_144 }, CPUS);
    /** What it says of `series` is as of values of 1,056 bytes, each in an element of its own. */
    const grown = (KERNEL_MAPS.series.valueSize - 1_056) * (16_384 + CPUS);
    const said = { series: 19_401_904 + grown, events: 4_223_304, connections: 4_195_488, softirqs: 7_112 };
    for (const [map, bytes] of Object.entries(said)) {
      const off = bytes - (atStart.get(map) ?? 0);
      assert.ok(off > 0 && off < 1_300, `${map} is off by ${off}: its own structure has about 1 KB`);
    }
    assert.equal(onDemand.get('connections'), 262_144 * 520);
  });

  it('grows with each bound', () => {
    const before = memoryBound(load(), CPUS);
    for (const [setting, value] of [
      ['bpf.ring_buffer_size', '8MiB'],
      ['bpf.max_series', '20000'],
      ['bpf.max_owners', '20000'],
      ['bpf.max_sockets', '300000'],
      ['series.limit', '60000'],
      ['export.queue_size', '10000'],
    ] as const) {
      const after = memoryBound(load({ argv: [`--${setting}=${value}`] }), CPUS);
      const all = (bound: typeof before): number => totalOf([...bound.kernel, ...bound.agent]);
      assert.ok(all(after) > all(before) + 1e6, setting);
    }
  });

  it('counts the rows of metrics that are off by default where they are on', () => {
    const argv = ['--metrics.tcp.receive_queue.duration=on', '--metrics.tcp.state.duration=on'];
    const more =
      totalOf(memoryBound(load({ argv }), CPUS).kernel) - totalOf(memoryBound(load(), CPUS).kernel);
    assert.ok(more > 8e6 && more < 10e6, String(more));
  });

  it('counts packets on their way, and their ring, where they are followed', () => {
    for (const [argv, most] of [
      [[], 16_384],
      [['--profile=small'], 2_048],
    ] as const) {
      const before = memoryBound(load({ argv: [...argv] }), CPUS);
      const after = memoryBound(load({ argv: [...argv, '--events.packet.slow=on'] }), CPUS);
      assert.ok(totalOf(after.kernel) - totalOf(before.kernel) > 4e6);
      assert.ok(totalOf(after.agent) - totalOf(before.agent) >= most * 2_500);
    }
  });

  it('is below 150 MB with the profile small', () => {
    const { kernel, agent } = memoryBound(load({ argv: ['--profile=small'] }), CPUS);
    assert.ok(totalOf([...kernel, ...agent]) < 150e6);
  });

  it('is printed in comments, so that the settings can still be loaded', () => {
    const text =
      dumpConfig(sourcesOf({ argv: ['--profile=small'] })) + renderMemoryBound(memoryBound(load(), CPUS));
    assert.deepEqual(load({ yaml: text }), load({ argv: ['--profile=small'] }));
  });

  it('is in docs/overhead.md, within 3 %', () => {
    const written = [...overhead.matchAll(/^# Memory .* in MB: ([\d.]+) in all/gm)].map(([, mega]) =>
      Number(mega),
    );
    const printed = [[], ['--profile=small']].map((argv) => {
      const { kernel, agent } = memoryBound(load({ argv }), CPUS);
      return totalOf([...kernel, ...agent]) / 1e6;
    });
    assert.equal(written.length, printed.length);
    for (const [i, mega] of printed.entries())
      assert.ok(Math.abs(mega / (written[i] ?? 0) - 1) < 0.03, `docs: ${written[i]} MB, is ${mega} MB`);
  });
});
