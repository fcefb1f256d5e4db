/** Softirqs: how many, against /proc/softirqs, and how long, against /proc/stat. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { SOFTIRQ_SUMS } from '../../receiver/decode/generated/layout.ts';
import { SOFTIRQ_NAMES } from '../../receiver/decode/names.ts';
import { Cleanup } from '../support/cleanup.ts';
import { CLOSED_PORT } from './rig/drop-scenes.ts';
import { DropStage } from '../support/drop-stage.ts';
import { TcpScript } from '../support/script.ts';

const RST = 4;
const PACKETS = 997;
const BUCKETS = 18;
const MEGABYTES = 64;
/** `/proc/stat` counts in these (USER_HZ); the kernel looks who runs once a tick of at most as long. */
const TICK_S = 0.01;
const ENOUGH_TICKS = 100;
const MAX_ROUNDS = 400;
/** So many standard deviations of a count of samples never come by chance. */
const DEVIATIONS = 6;

type Counts = ReadonlyMap<string, readonly number[]>;

/** By the names of `wirespan.softirq.vector`, one number a CPU. */
function procSoftirqs(): Counts {
  const [, ...lines] = readFileSync('/proc/softirqs', 'utf8').trim().split('\n');
  return new Map(
    lines.map((line) => {
      const [name = '', ...counts] = line.trim().split(/[:\s]+/);
      return [name.toLowerCase(), counts.map(Number)] as const;
    }),
  );
}

/** Seconds of all CPUs in softirqs. */
function procStatSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  return Number(line.trim().split(/\s+/)[7]) * TICK_S;
}

describe('softirqs', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;

  before(async () => {
    stage = await DropStage.open(cleanup);
  });
  after(() => cleanup.run());

  /** A field of `struct softirq_sums`; `index` for arrays. */
  function field(name: keyof typeof SOFTIRQ_SUMS, index = 0): Counts {
    const { count, keys, values, keySize, stride } = stage.watcher.source.read('softirqs');
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    const cpus = stride / SOFTIRQ_SUMS.size;
    const found = new Map<string, number[]>();
    for (let row = 0; row < count; row += 1) {
      const vector = SOFTIRQ_NAMES[key.getUint32(row * keySize, true)] ?? '';
      const at = (cpu: number): number =>
        row * stride + cpu * SOFTIRQ_SUMS.size + SOFTIRQ_SUMS[name] + 8 * index;
      found.set(
        vector,
        Array.from({ length: cpus }, (_, cpu) => Number(value.getBigUint64(at(cpu), true))),
      );
    }
    return found;
  }

  function total(name: keyof typeof SOFTIRQ_SUMS, index = 0, vector?: string): number {
    let sum = 0;
    for (const [each, cpus] of field(name, index))
      if (vector === undefined || each === vector) for (const count of cpus) sum += count;
    return sum;
  }

  const histogramCount = (name: 'duration' | 'wait', vector: string): number =>
    Array.from({ length: BUCKETS }, (_, bucket) => total(name, bucket, vector)).reduce((a, b) => a + b);

  const skipped = (): number =>
    stage.watcher.source
      .recursionMisses()
      .filter(({ probe }) => probe.startsWith('softirq_'))
      .reduce((sum, { missed }) => sum + missed, 0);

  /** The kernel's count before and after ours: the truth lies between. */
  function look() {
    const low = procSoftirqs();
    const ours = field('count');
    return { low, ours, high: procSoftirqs(), skipped: skipped() };
  }

  function drop(count: number): void {
    stage.send({ sport: 1, dport: CLOSED_PORT, flags: RST, count });
  }

  test('how many, of each vector on each CPU', (t) => {
    const start = look();
    drop(PACKETS);
    const end = look();
    const missed = end.skipped - start.skipped;
    for (const [vector, ours] of end.ours) {
      for (const [cpu, count] of ours.entries()) {
        const of = (counts: Counts): number => counts.get(vector)?.[cpu] ?? 0;
        const gained = count - of(start.ours);
        // The kernel counts at the entry, we at the exit: one may be under way at each look.
        const least = of(end.low) - of(start.high) - 1 - missed;
        const most = of(end.high) - of(start.low) + 1;
        t.diagnostic(`${vector} on CPU ${cpu}: ${least} ≤ ${gained} ≤ ${most}`);
        assert.ok(
          least <= gained && gained <= most,
          `${vector} on CPU ${cpu}: ${least} ≤ ${gained} ≤ ${most}`,
        );
      }
    }
    const received = end.ours.get('net_rx')?.reduce((sum, count) => sum + count, 0) ?? 0;
    const before = start.ours.get('net_rx')?.reduce((sum, count) => sum + count, 0) ?? 0;
    assert.ok(received > before, 'packets came in');
  });

  test('durations and waits: one of each run', () => {
    const [runs, durations, waits] = [
      total('count', 0, 'net_rx'),
      histogramCount('duration', 'net_rx'),
      histogramCount('wait', 'net_rx'),
    ];
    drop(PACKETS);
    const ran = total('count', 0, 'net_rx') - runs;
    const during = histogramCount('duration', 'net_rx') - durations;
    const waited = histogramCount('wait', 'net_rx') - waits;
    // Runs go on between two readings of the map, which come in this order.
    assert.ok(ran > 0 && during >= ran - 1, `${ran} runs, ${during} durations`);
    assert.ok(waited > 0, 'nobody waited');
    assert.ok(total('wait', BUCKETS, 'net_rx') > 0, 'no time was waited');
  });

  test('how long: the sum over all vectors and CPUs', async (t) => {
    const reader = TcpScript.start(stage.room);
    cleanup.add(() => reader.stop());
    const { listener, port } = await reader.listen();
    const [client, peer] = [stage.script.next(), reader.next()];
    await stage.script.run('socket', client);
    await stage.script.run('connect', client, port);
    await reader.run('accept', peer, listener);
    const [stat, ours] = [procStatSeconds(), total('time_ns')];
    for (let round = 0; procStatSeconds() - stat < ENOUGH_TICKS * TICK_S && round < MAX_ROUNDS; round += 1) {
      const bytes = MEGABYTES << 20;
      await Promise.all([stage.script.run('fill', client, bytes), reader.run('read', peer, bytes)]);
    }
    const sampled = procStatSeconds() - stat;
    const measured = (total('time_ns') - ours) / 1e9;
    const noise = DEVIATIONS * Math.sqrt(sampled / TICK_S) * TICK_S + 2 * TICK_S;
    t.diagnostic(
      `${measured.toFixed(3)} s measured, ${sampled.toFixed(2)} s sampled, ± ${noise.toFixed(2)} s`,
    );
    assert.ok(sampled >= ENOUGH_TICKS * TICK_S, 'too little happened to compare');
    assert.ok(Math.abs(measured - sampled) <= noise, `${measured} s measured, ${sampled} s sampled`);
  });
});
