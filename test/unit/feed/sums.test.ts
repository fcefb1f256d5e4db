/** Sums that views read from an agent: over real sockets, without a kernel. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import {
  LISTENER,
  LISTENER_KEY,
  OWNER_KEY,
  VIEWED_RECORD,
} from '../../../receiver/decode/generated/layout.ts';
import { asOfNow, FedSums } from '../../../receiver/agent/fed-sums.ts';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import { FeedStream } from '../../../receiver/feed/client.ts';
import { FeedReadError } from '../../../receiver/feed/errors.ts';
import { FeedLooks, type LookAsked } from '../../../receiver/feed/looks.ts';
import type { Greeting } from '../../../receiver/feed/protocol.ts';
import type { FeedReader } from '../../../receiver/feed/reader.ts';
import type { MapImage } from '../../../receiver/model/map-image.ts';
import { Player } from '../../../receiver/recording/player.ts';
import { decodeBatch } from '../../../receiver/signals/records.ts';
import { METRIC_SOFTIRQ_TIME } from '../../../semconv/index.ts';
import { batchOf, connectionRecord } from '../../fixtures/records/write-records.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { connection } from '../../support/correlation.ts';
import { CLOSES, startFeed } from './fed.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const LIVE = 6;
const PASS = 7;
const SUMS: Greeting['sums'] = {
  metrics: [METRIC_SOFTIRQ_TIME.name],
  subnets: [],
  live: true,
  listeners: true,
  intervalMs: 60_000,
};
const ASKS: Greeting = { ...CLOSES, events: [], sums: SUMS };

/** Rows of `listeners`, by pid and port. */
function listeners(...rows: readonly (readonly [pid: number, port: number])[]): MapImage {
  const [keySize, stride] = [LISTENER_KEY.size, LISTENER.size];
  const [keys, values] = [
    Buffer.alloc((rows.length + 1) * keySize),
    Buffer.alloc((rows.length + 1) * stride),
  ];
  for (const [i, [pid, port]] of rows.entries()) {
    keys.writeUInt32LE(pid, i * keySize + LISTENER_KEY.owner + OWNER_KEY.pid);
    keys.writeUInt16LE(port, i * keySize + LISTENER_KEY.port);
    keys[i * keySize + LISTENER_KEY.family] = 4;
    values.writeBigUInt64LE(BigInt(PASS), i * stride + LISTENER.pass);
  }
  return { count: rows.length, keys, values, keySize, stride };
}

describe('sums that a view reads from an agent', () => {
  it('are what was gained since it came, of the processes that it asked for', async () => {
    const asked: LookAsked[] = [];
    const bits: number[] = [];
    const { feed, path } = await startFeed(cleanup, {
      ask: (viewed) => void bits.push(viewed),
      processes: {
        lookup: (_key, info) => {
          info.fill(0);
          return true;
        },
        isInCgroup: (key, group) => group === '/a' && Buffer.from(key).readUInt32LE(OWNER_KEY.pid) === 7,
        cgroupNames: () => false,
      },
      look: (what) => {
        asked.push(what);
        const { metrics } = what;
        feed.gain(
          METRIC_SOFTIRQ_TIME.name,
          { 'wirespan.softirq.vector': 'net_rx', 'cpu.logical_number': 1 },
          2,
        );
        feed.gain(
          METRIC_SOFTIRQ_TIME.name,
          { 'wirespan.softirq.vector': 'net_rx', 'cpu.logical_number': 0 },
          1,
        );
        feed.gain('wirespan.tcp.io', {}, 5);
        for (const [pid, cookie] of [
          [7, 1n],
          [8, 2n],
        ] as const)
          feed.records(new Uint8Array(batchOf(connectionRecord({ what: LIVE, pid, startNs: 1n, cookie }))));
        assert.deepEqual([...metrics], [METRIC_SOFTIRQ_TIME.name]);
        return { pass: PASS, listeners: listeners([7, 80], [8, 81]) };
      },
    });
    const stream = await FeedStream.open(path, { ...ASKS, cgroup: '/a' });
    stream.finish();
    const player = new Player(stream);
    const owners = new OwnerTable(10, () => false);
    const needs = { ...SUMS, metrics: [METRIC_SOFTIRQ_TIME], subnets: [], intervals: 1 };
    const sums = new FedSums(needs, player, owners);
    const cookies: bigint[] = [];
    const shown: unknown[] = [];
    while (await stream.next())
      for (let step = player.step(); step !== undefined; step = player.step()) {
        player.drainAll((bytes) =>
          decodeBatch(bytes, owners, { decoded: 0, bad: 0 }, (record) => {
            if (record.kind === 'live') cookies.push(record.cookie);
          }),
        );
        if (step.name !== 'collect') continue;
        const { gains, listeners: found = [] } = sums.next();
        shown.push(gains.map(({ attributes, value }) => [attributes, value]));
        shown.push(found.map(({ owner, port }) => [owner.pid, port]));
      }
    assert.deepEqual(
      asked.map(({ isPass, tellsAll }) => [isPass, tellsAll]),
      [
        [true, true],
        [true, false],
      ],
    );
    assert.deepEqual(cookies, [1n, 1n]);
    assert.deepEqual(shown, [[[{ 'wirespan.softirq.vector': 'net_rx' }, 3]], [[7, 80]]]);
    assert.ok(sums.isOver);
    assert.equal(bits[0], 1 << VIEWED_RECORD.VIEWED_LIVE);
  });

  it('leave out what connections moved that are older than the view', () => {
    const seen = (establishedNs: bigint): unknown => asOfNow(connection({ kind: 'live', establishedNs }), 5n);
    assert.deepEqual([4n, 5n].map(seen), [
      connection({ kind: 'live', establishedNs: 4n, preexisting: true }),
      connection({ kind: 'live', establishedNs: 5n }),
    ]);
  });

  it('are refused where no view shows them, or the question is none', async () => {
    const { path } = await startFeed(cleanup);
    const refusal = async (sums: object): Promise<string> => {
      const greeting = { ...ASKS, sums: { ...SUMS, ...sums } } as Greeting;
      return await FeedStream.open(path, greeting).then(
        () => 'taken',
        (error: unknown) => (error instanceof FeedReadError ? error.message : String(error)),
      );
    };
    assert.match(await refusal({ metrics: ['wirespan.tcp.io'] }), /records no wirespan\.tcp\.io for views$/);
    for (const wrong of [{ intervalMs: 1 }, { intervalMs: 1e9 }, { live: 1 }, { metrics: 'x' }])
      assert.match(await refusal(wrong), /refuses: what it asked is no question of a view$/);
  });

  it('cost a tenth of the time at most, however many ask', () => {
    const clock = { ms: 0, looks: 0 };
    const looks = new FeedLooks(
      () => {
        clock.looks += 1;
        clock.ms += 20;
        return { pass: clock.looks };
      },
      () => clock.ms,
    );
    const told: number[] = [];
    const readers = Array.from({ length: 16 }, (_, i) => {
      const collect = (): void => void told.push(i);
      const rest = { flush: () => undefined, look: () => undefined, gains: { take: () => [] } };
      return { sums: SUMS, collect, ...rest } as unknown as FeedReader;
    });
    for (const reader of readers) cleanup.add(() => looks.end(reader));
    for (const reader of readers) looks.begin(reader);
    const begun = clock.looks;
    clock.ms += 1_000;
    for (let i = 0; i < 10; i += 1, clock.ms += 100) for (const reader of readers) looks.collect(reader);
    assert.equal(told.length, 160);
    // Ten intervals of 100 ms: a look of 20 ms is followed by 180 ms of rest.
    assert.ok(clock.looks - begun <= 6 && clock.looks > begun, String(clock.looks - begun));
  });
});
