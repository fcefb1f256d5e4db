import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimersOf, UnownedSums } from '../../../../receiver/signals/drop/unowned.ts';
import type { MapImage } from '../../../../receiver/model/map-image.ts';
import { ATTR_SERVER_PORT } from '../../../../semconv/index.ts';
import { METRICS } from '../../../../semconv/index.ts';
import {
  FOUND,
  listenEnd,
  mapImage,
  unownedKey,
  unownedValue,
  type ListenEndFields,
  type UnownedFields,
  type UnownedKeyFields,
} from '../../../fixtures/records/write-rows.ts';
import { createHarness, dropDetails, NGINX } from '../../../support/sums-harness.ts';

const CURL = { startNs: 2n, pid: 20 };
const ENVOY = { startNs: 3n, pid: 30 };
const HERE = [10, 0, 0, 1];
const THERE = [10, 0, 0, 2];
const NETNS = 77;
/** From there to here. */
const KEY = { source: THERE, sourcePort: 4000, destination: HERE, destinationPort: 80, netns: NETNS };
const IPV6_HERE = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

interface Given {
  readonly drops: readonly (readonly [UnownedKeyFields, UnownedFields])[];
  readonly listeners?: readonly ListenEndFields[];
  readonly bank?: number;
  readonly pass?: number;
  /** Since the one before; default: an interval. */
  readonly afterMs?: number;
}

function createFixture(
  given: Parameters<typeof createHarness>[0] & {
    local?: readonly number[][];
    sites?: Parameters<typeof dropDetails>[1];
  } = {},
) {
  const harness = createHarness(given);
  const local = new Set((given.local ?? [HERE, IPV6_HERE]).map((address) => address.join('.')));
  const deleted: string[] = [];
  let nowMs = 0;
  const sums = new UnownedSums({
    context: harness,
    details: dropDetails((reason) => `r${reason}`, given.sites),
    delete: (map, key) => deleted.push(`${map} ${Buffer.from(key).toString('hex')}`),
    isLocal: ({ address, family }) => local.has(address.subarray(0, family === 6 ? 16 : 4).join('.')),
    nowMs: () => nowMs,
  });
  const settle = ({ drops, listeners = [], bank = 1, pass = 1, afterMs = 1_000 }: Given): void => {
    nowMs += afterMs;
    const rows = drops.map(([key, value]) => [unownedKey({ ...KEY, ...key }), unownedValue(value)] as const);
    const ends = listeners.map((listener) => listenEnd({ netns: NETNS, ...listener }));
    sums.settle({ drops: imageOf(rows, 48, 112), listenEnds: imageOf(ends, 24, 32), bank, pass });
  };
  /** What each resource got. */
  const shares = (): Record<string, number> => {
    const found: Record<string, number> = {};
    for (const [series, count] of harness.sink.sums) {
      const resource = series.split(' ')[1] ?? '';
      found[resource] = (found[resource] ?? 0) + count;
    }
    return found;
  };
  return { harness, sums, deleted, settle, shares };
}

function imageOf(
  rows: readonly (readonly [Uint8Array, Uint8Array])[],
  keySize: number,
  stride: number,
): MapImage {
  return rows.length > 0 ? mapImage(rows) : { ...mapImage([]), keySize, stride };
}

const received = (count: number): UnownedFields['counts'] => [{ reason: 5, count }];
const sent = (count: number): UnownedFields['counts'] => [{ reason: 5, count, isSent: true }];
const of = (owner: typeof NGINX) => ({ owner, found: FOUND.owned });

describe('UnownedSums', () => {
  it('tell site and state of the drop, and the port of whose it was, when that is asked for', () => {
    const { settle, harness } = createFixture({
      optIn: [ATTR_SERVER_PORT],
      sites: [[7, 0xabcn, 'eth0']],
    });
    const counts = [{ reason: 5, count: 3, state: 12, site: 7 }];
    settle({
      drops: [
        [{ sourcePort: 1 }, { receiver: { ...of(NGINX), port: 80 }, counts }],
        [{ sourcePort: 2 }, { counts }],
      ],
    });
    const rest =
      'code.function.name=f_abc network.connection.state=syn_received network.interface.name=eth0 network.transport=tcp network.type=ipv4';
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      [`wirespan.packet.dropped w10 ${rest} server.port=80 wirespan.packet.drop.reason=r5`]: 3,
      [`wirespan.packet.dropped host ${rest} wirespan.packet.drop.reason=r5`]: 3,
    });
  });

  it('count by reason and family', () => {
    const { settle, harness } = createFixture();
    const counts = [
      { reason: 5, count: 3 },
      { reason: 6, count: 4 },
      { reason: 5, count: 2, isSent: true },
    ];
    settle({ drops: [[{ family: 6 }, { receiver: of(NGINX), sender: of(CURL), counts }]] });
    const rest = 'network.transport=tcp network.type=ipv6 wirespan.packet.drop.reason';
    assert.deepEqual(Object.fromEntries(harness.sink.sums), {
      [`wirespan.packet.dropped w10 ${rest}=r5`]: 3,
      [`wirespan.packet.dropped w10 ${rest}=r6`]: 4,
      [`wirespan.packet.dropped w20 ${rest}=r5`]: 2,
    });
  });

  it('of a received packet: the receiver, then who listens, then a sender here, then the host', () => {
    const listeners = [{ owner: ENVOY, port: 80, address: HERE }];
    const cases: [Partial<UnownedFields>, ListenEndFields[], string][] = [
      [{ receiver: of(NGINX), sender: of(CURL) }, listeners, 'w10'],
      [{ sender: of(CURL) }, listeners, 'w30'],
      [{ sender: of(CURL) }, [], 'w20'],
      [{}, [], 'host'],
    ];
    for (const [ends, listening, owner] of cases) {
      const { settle, shares } = createFixture();
      settle({ drops: [[{}, { ...ends, counts: received(7) }]], listeners: listening });
      assert.deepEqual(shares(), { [owner]: 7 });
    }
  });

  it('of a sent packet: the sender, then who listens at its source, never the receiver', () => {
    const listeners = [{ owner: ENVOY, port: 4000 }];
    const cases: [Partial<UnownedFields>, ListenEndFields[], string][] = [
      [{ receiver: of(NGINX), sender: of(CURL) }, listeners, 'w20'],
      [{ receiver: of(NGINX) }, listeners, 'w30'],
      [{ receiver: of(NGINX) }, [], 'host'],
    ];
    for (const [ends, listening, owner] of cases) {
      const { settle, shares } = createFixture();
      settle({ drops: [[{}, { ...ends, counts: sent(7) }]], listeners: listening });
      assert.deepEqual(shares(), { [owner]: 7 });
    }
  });

  it('are not counted when the socket is left out', () => {
    const ignored = { owner: NGINX, found: FOUND.ignored };
    const { settle, shares } = createFixture();
    settle({
      drops: [
        [{}, { receiver: ignored, sender: of(CURL), counts: received(3) }],
        [{ destinationPort: 81 }, { counts: received(4) }],
      ],
      listeners: [{ owner: NGINX, port: 81, found: FOUND.ignored }],
    });
    assert.deepEqual(shares(), {});
  });

  it('are the host’s when several processes listen there, or a socket has no known owner', () => {
    const { settle, shares } = createFixture();
    settle({
      drops: [
        [{}, { sender: of(CURL), counts: received(3) }],
        [{ destinationPort: 81 }, { receiver: of({ startNs: 0n, pid: 0 }), counts: received(4) }],
      ],
      listeners: [{ owner: NGINX, port: 80, found: FOUND.nobody }],
    });
    assert.deepEqual(shares(), { host: 7 });
  });

  it('choose a listener as the kernel does', () => {
    const any4 = { owner: CURL, port: 80 };
    const any6 = { owner: ENVOY, port: 80, family: 6 };
    const exact = { owner: NGINX, port: 80, address: HERE };
    const cases: [string, ListenEndFields[], UnownedKeyFields?][] = [
      ['w10', [any4, any6, exact]],
      ['w20', [any4, any6]],
      ['w30', [any6]],
      ['host', [{ ...any6, isOnlyIpv6: true }]],
      ['w30', [{ ...any6, isOnlyIpv6: true }, any4], { family: 6, destination: IPV6_HERE }],
      ['host', [any4], { family: 6, destination: IPV6_HERE }],
      ['host', [exact, any6], { netns: NETNS + 1 }],
      ['host', [exact, any6], { destinationPort: 81 }],
      ['host', [any4, any6], { destination: [10, 0, 0, 9] }],
    ];
    for (const [owner, listeners, key] of cases) {
      const { settle, shares } = createFixture();
      settle({ drops: [[key ?? {}, { counts: received(7) }]], listeners });
      assert.deepEqual(shares(), { [owner]: 7 }, JSON.stringify({ owner, key }));
    }
  });

  it('do not use a listener that the pass did not meet, and take it out', () => {
    const { settle, shares, deleted } = createFixture();
    settle({
      drops: [[{}, { counts: received(7) }]],
      listeners: [{ owner: NGINX, port: 80, pass: 4 }],
      pass: 5,
    });
    assert.deepEqual(shares(), { host: 7 });
    assert.deepEqual(
      deleted.map((each) => each.split(' ')[0]),
      ['listen_ends'],
    );
  });

  it('read a row twice, then take it out', () => {
    const { settle, shares, deleted, sums } = createFixture();
    const row = (count: number): Given['drops'][number] => [
      {},
      { receiver: of(NGINX), counts: received(count) },
    ];
    settle({ drops: [row(3)], bank: 1 });
    assert.deepEqual([shares(), deleted.length, sums.hasRows], [{ w10: 3 }, 0, true]);
    // A program that was still adding when the bank was closed.
    settle({ drops: [row(4), [{ bank: 2 }, { counts: received(5) }]], bank: 2 });
    assert.deepEqual(shares(), { w10: 4, host: 5 });
    assert.deepEqual(deleted, [
      `unowned_drops ${Buffer.from(unownedKey({ ...KEY, bank: 1 })).toString('hex')}`,
    ]);
    settle({ drops: [[{ bank: 2 }, { counts: received(5) }]], bank: 3 });
    assert.deepEqual([shares(), deleted.length, sums.hasRows], [{ w10: 4, host: 5 }, 2, false]);
  });

  it('leave the bank that is being counted, and take what came late into an old one', () => {
    const { settle, shares, deleted, sums } = createFixture();
    settle({
      drops: [
        [{ bank: 3 }, { counts: received(3) }],
        [{ bank: 1 }, { counts: received(5) }],
      ],
      bank: 2,
    });
    assert.deepEqual([shares(), deleted.length, sums.hasRows], [{ host: 5 }, 0, true]);
    settle({ drops: [[{ bank: 1 }, { counts: received(5) }]], bank: 3 });
    assert.deepEqual([shares(), deleted.length, sums.hasRows], [{ host: 5 }, 1, false]);
  });

  it('leave a row where it is while a program may still add to it, however often it is read', () => {
    const { settle, shares, deleted } = createFixture();
    for (let count = 1; count <= 9; count += 1)
      settle({ drops: [[{}, { counts: received(count) }]], bank: count, afterMs: 10 });
    assert.deepEqual([shares(), deleted.length], [{ host: 9 }, 0]);
    settle({ drops: [[{}, { counts: received(9) }]], bank: 10, afterMs: 100 });
    assert.deepEqual([shares(), deleted.length], [{ host: 9 }, 1]);
  });

  it('tell nothing when off, and take the rows out all the same', () => {
    const { settle, harness, deleted } = createFixture({ off: METRICS });
    for (const bank of [1, 2]) settle({ drops: [[{}, { counts: received(3) }]], bank });
    assert.deepEqual([harness.sink.calls, deleted.length], [0, 1]);
  });
});

describe('claimersOf', () => {
  it('names who waits for a collection', () => {
    const rows = [
      { receiver: of(NGINX), sender: of(CURL), counts: received(1) },
      { receiver: { owner: ENVOY, found: FOUND.ignored }, counts: received(1) },
    ].map((value, i) => [unownedKey({ ...KEY, bank: i }), unownedValue(value)] as const);
    assert.deepEqual([...claimersOf(mapImage(rows))], ['10:1:0', '20:2:0']);
  });
});
