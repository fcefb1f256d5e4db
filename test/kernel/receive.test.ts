/**
 * How long data waits to be read: a reader that waits on purpose. The truth are times that the test takes around
 * each write and each read; the data came between the former two and was read between the latter two.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RECEIVE_SUMS, SERIES_KEY } from '../../receiver/decode/generated/layout.ts';
import type { LatencyRecord } from '../../receiver/model/record.ts';
import { METRIC_TCP_RECEIVE_QUEUE_DURATION } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import type { Stage } from './rig/conversation.ts';
import { hex } from '../support/script.ts';
import { openStage } from './rig/stage.ts';
import { ALL_SIGNALS, Watcher } from '../support/watcher.ts';

const BOUNDS = METRIC_TCP_RECEIVE_QUEUE_DURATION.boundaries ?? [];
const BUCKETS = BOUNDS.length + 1;
const SERVER = 2;
/** `ARRIVALS` of bpf/lib/maps.bpf.h. */
const FOLLOWED = 32;
const PAYLOAD = 101;

interface Waits {
  readonly counts: readonly number[];
  readonly sumNs: bigint;
}

/** The rows of `receives` whose keys fit, added up. */
function waits(watcher: Watcher, fits: (key: DataView, at: number) => boolean): Waits {
  const { count, keys, values, keySize, stride } = watcher.source.read('receives');
  const key = new DataView(keys.buffer);
  const value = new DataView(values.buffer);
  const counts = new Array<number>(BUCKETS).fill(0);
  let sumNs = 0n;
  for (let row = 0; row < count; row += 1) {
    if (!fits(key, row * keySize)) continue;
    const cell = (index: number): bigint =>
      value.getBigUint64(row * stride + RECEIVE_SUMS.wait + 8 * index, true);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1)
      counts[bucket] = (counts[bucket] ?? 0) + Number(cell(bucket));
    sumNs += cell(BUCKETS);
  }
  return { counts, sumNs };
}

const total = ({ counts }: Waits): number => counts.reduce((sum, count) => sum + count, 0);

/** CLOCK_MONOTONIC before and after. */
type Span = readonly [fromNs: bigint, toNs: bigint];

async function timed(work: () => Promise<unknown>): Promise<Span> {
  const from = process.hrtime.bigint();
  await work();
  return [from, process.hrtime.bigint()];
}

describe('time in the receive queue', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup, {
      emit: { ...ALL_SIGNALS.emit, latency: true },
      thresholds: { ...ALL_SIGNALS.thresholds, receiveQueueUs: 1 },
      receive: true,
      receiveDuration: true,
    });
  });
  after(() => cleanup.run());

  /** A connection to a listener of its own, so that its row is its own. */
  class Pair {
    client = stage.script.next();
    server = stage.script.next();
    port = 0;
    clientPort = 0;

    static async open(): Promise<Pair> {
      const pair = new Pair();
      const { listener, port } = await stage.script.listen();
      pair.port = port;
      await stage.script.run('socket', pair.client);
      pair.clientPort = await stage.script.run('connect', pair.client, port);
      await stage.script.run('accept', pair.server, listener);
      await stage.script.run('nodelay', pair.client);
      return pair;
    }

    /** Returns when the data has arrived. */
    write(bytes = PAYLOAD): Promise<Span> {
      return timed(async () => {
        await stage.script.run('write', this.client, hex('x'.repeat(bytes)));
        await waitFor(
          'the data to arrive',
          async () => (await stage.script.run('unacked', this.client)) === 0,
        );
      });
    }

    read(bytes = PAYLOAD): Promise<Span> {
      return timed(() => stage.script.run('read', this.server, bytes));
    }

    get waits(): Waits {
      return waits(
        stage.watcher,
        (key, at) =>
          key.getUint16(at + SERIES_KEY.server_port, true) === this.port &&
          key.getUint8(at + SERIES_KEY.role) === SERVER &&
          key.getUint32(at + SERIES_KEY.owner + 8, true) === stage.script.pid,
      );
    }

    get records(): LatencyRecord[] {
      return stage.watcher
        .records()
        .filter((record) => record.kind === 'latency')
        .filter(({ endpoints, netns }) => netns === stage.room.inode && endpoints.localPort === this.port);
    }
  }

  const within = (valueNs: bigint, [arrivedFrom, arrivedTo]: Span, [readFrom, readTo]: Span): void =>
    assert.ok(
      valueNs >= readFrom - arrivedTo && valueNs <= readTo - arrivedFrom,
      `${readFrom - arrivedTo} ≤ ${valueNs} ≤ ${readTo - arrivedFrom}`,
    );

  test('each message waits as long as its reader sleeps', async () => {
    const pair = await Pair.open();
    const SLEEPS = [0, 3, 30, 120, 7];
    const spans: [Span, Span][] = [];
    for (const ms of SLEEPS) {
      const written = await pair.write();
      await sleep(ms);
      spans.push([written, await pair.read()]);
    }
    const { records, waits: sums } = pair;
    assert.equal(records.length, SLEEPS.length);
    for (const [i, [written, read]] of spans.entries()) {
      const record = records[i];
      assert.ok(record);
      assert.deepEqual([record.what, record.owner.pid], ['receive_queue', stage.script.pid]);
      within(record.valueNs, written, read);
      assert.ok(record.timeNs >= read[0] && record.timeNs <= read[1]);
    }
    const values = records.map(({ valueNs }) => valueNs);
    const expected = new Array<number>(BUCKETS).fill(0);
    for (const value of values) {
      const bucket = BOUNDS.findIndex((bound) => value <= BigInt(Math.round(bound * 1e9)));
      const index = bucket < 0 ? BUCKETS - 1 : bucket;
      expected[index] = (expected[index] ?? 0) + 1;
    }
    assert.deepEqual(sums.counts, expected);
    assert.equal(
      sums.sumNs,
      values.reduce((sum, value) => sum + value, 0n),
    );
  });

  test('one read takes several: a value each, one record with the longest', async () => {
    const pair = await Pair.open();
    const written = [await pair.write(), await pair.write(), await pair.write()];
    const read = await pair.read(3 * PAYLOAD);
    const { counts, sumNs } = pair.waits;
    assert.equal(total({ counts, sumNs }), 3);
    const sum = (pick: (span: Span) => bigint): bigint => written.reduce((all, span) => all + pick(span), 0n);
    assert.ok(sumNs >= 3n * read[0] - sum(([, to]) => to) && sumNs <= 3n * read[1] - sum(([from]) => from));
    const longest = pair.records.map(({ valueNs }) => valueNs);
    const [first] = written;
    assert.ok(first && longest[0] !== undefined);
    within(longest[0], first, read);
  });

  test('neither a part of a message nor a look at it counts', async () => {
    const pair = await Pair.open();
    const written = await pair.write();
    assert.equal(await stage.script.run('peek', pair.server, PAYLOAD), PAYLOAD);
    await pair.read(40);
    assert.equal(total(pair.waits), 0);
    const read = await pair.read(PAYLOAD - 40);
    assert.equal(total(pair.waits), 1);
    within(pair.waits.sumNs, written, read);
  });

  test('a segment that comes after a later one counts once, and so does that', async () => {
    const pair = await Pair.open();
    await pair.write();
    await pair.read();
    stage.dropper.lose(pair.port);
    await stage.script.run('write', pair.client, hex('x'.repeat(PAYLOAD)));
    stage.dropper.spareNew(pair.port);
    await pair.write();
    await pair.read(2 * PAYLOAD);
    const lost = stage.dropper.dropped().filter(({ clientPort }) => clientPort === pair.clientPort);
    assert.deepEqual(
      lost.map(({ length }) => length),
      [PAYLOAD],
    );
    assert.equal(total(pair.waits), 3);
  });

  test('of many that wait, what comes joins the newest: it has no value of its own', async () => {
    const pair = await Pair.open();
    const joined = stage.watcher.count('PROBE_RECEIVE', 'JOINED');
    const MORE = 7;
    const [from] = await pair.write(1);
    for (let i = 1; i < FOLLOWED + MORE; i += 1) await pair.write(1);
    const read = await pair.read(FOLLOWED + MORE);
    assert.equal(total(pair.waits), FOLLOWED);
    assert.equal(stage.watcher.count('PROBE_RECEIVE', 'JOINED') - joined, MORE);
    const [record] = pair.records;
    assert.ok(record);
    assert.ok(record.valueNs <= read[1] - from);
    await pair.write();
    await pair.read();
    assert.equal(total(pair.waits), FOLLOWED + 1);
  });

  test('data that nobody reads has no value', async () => {
    const pair = await Pair.open();
    await pair.write();
    await stage.script.run('close', pair.server);
    await stage.script.run('close', pair.client);
    assert.equal(total(pair.waits), 0);
  });

  test('without room for a row it goes to the overflow row, and is counted', async () => {
    const small = new Watcher({ maxSeries: 1, receive: true, receiveDuration: true });
    try {
      const pair = await Pair.open();
      for (let i = 0; i < 5; i += 1) {
        await pair.write();
        await pair.read();
      }
      const overflow = waits(small, (key, at) => key.getUint8(at + SERIES_KEY.overflow) !== 0);
      assert.ok(total(overflow) >= 5);
      assert.equal(small.count('PROBE_RECEIVE', 'LOST_MAP_FULL'), total(overflow));
      assert.equal(total(pair.waits), 5);
    } finally {
      small.close();
    }
  });

  test('no program of it is loaded unless it is asked for', () => {
    const plain = new Watcher();
    try {
      const programs = plain.source.plan.attached.map(({ program }) => program);
      assert.ok(!programs.some((name) => name.startsWith('ws_data')), programs.join(' '));
      assert.equal(plain.source.limitOf('receives'), 1);
    } finally {
      plain.close();
    }
  });
});
