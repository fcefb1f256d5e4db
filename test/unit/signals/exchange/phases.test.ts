import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangePhases } from '../../../../receiver/model/exchange-phases.ts';
import { NO_PHASES } from '../../../support/phases.ts';
import { divide, type Divided, type Phase } from '../../../../receiver/signals/exchange/phases.ts';

const START = 1_000n;

type Given = Partial<Omit<Divided, 'role'>> & Partial<ExchangePhases> & { readonly endNs?: bigint };

function dividedOf(role: 'client' | 'server', given: Given): Record<string, number> {
  const { firstNs = 0n, lastNs = 0n, segmentsRetransmitted = 0, endNs = lastNs } = given;
  const exchange = { role, firstNs, lastNs, segmentsRetransmitted };
  const division = divide(exchange, { ...NO_PHASES, ...given }, { startNs: START, endNs });
  return Object.fromEntries([...division].map(([phase, ns]) => [phase, Number(ns)]));
}

test('a server: the request, its queue, the application, sending, what was lost, the acknowledgement', () => {
  const given = { cameNs: 1_003n, readNs: 1_010n, firstNs: 1_020n, writtenNs: 1_050n, lastNs: 1_100n };
  const begun = { request: 3, receive_queue: 7 };
  assert.deepEqual(dividedOf('server', given), { ...begun, application: 40, acknowledgement: 50 });
  const busy = { ...given, unsentNs: 1_080n, lostNs: 25n, lostUnsentNs: 15n, segmentsSeen: 1 };
  const sent = { send: 15, retransmit: 25, acknowledgement: 10 };
  assert.deepEqual(dividedOf('server', busy), { ...begun, application: 40, ...sent });
  // Between writes for which there was too little room.
  const full = { ...busy, earlierUnsentNs: 5n, earlierLostNs: 6n, earlierUnknownNs: 9n };
  const more = { send: 20, retransmit: 31, acknowledgement: 10, unknown: 9 };
  assert.deepEqual(dividedOf('server', full), { ...begun, application: 20, ...more });
});

test('a client: the application, sending, the peer, the queue and the rest of the response', () => {
  const given = { writtenNs: 1_004n, firstNs: 1_050n, lastNs: 1_080n, queuedNs: 12n, readNs: 1_081n };
  assert.deepEqual(dividedOf('client', { ...given, endNs: 1_081n }), {
    application: 4,
    peer: 46,
    receive_queue: 12,
    response: 19,
  });
  const unread = { ...given, readNs: 1_070n, waitsNs: 1_075n, unsentNs: 1_010n, lostNs: 20n };
  assert.deepEqual(dividedOf('client', unread), {
    application: 4,
    send: 6,
    retransmit: 20,
    peer: 20,
    receive_queue: 17,
    response: 13,
  });
});

test('a client whose connection was opened for it begins with the handshake', () => {
  const given = {
    connectNs: START,
    establishedNs: 1_030n,
    writtenNs: 1_034n,
    firstNs: 1_050n,
    lastNs: 1_050n,
  };
  assert.deepEqual(dividedOf('client', given), { handshake: 30, application: 4, peer: 16 });
  assert.deepEqual(dividedOf('client', { ...given, establishedNs: 1_035n }), { unknown: 50 });
});

test('a server that accepts late: its queue is that of the whole request, and of nothing before it', () => {
  const given = { cameNs: 1_003n, readNs: 1_030n, firstNs: 1_040n, writtenNs: 1_040n, lastNs: 1_050n };
  const rest = { application: 10, acknowledgement: 10 };
  const dividedBy = (acceptedNs: bigint, more: Given = {}): Record<string, number> =>
    dividedOf('server', { ...given, acceptedNs, ...more });
  assert.deepEqual(dividedBy(1_022n), { request: 3, accept_queue: 19, receive_queue: 8, ...rest });
  // Not timed; before the request began; while it came.
  for (const acceptedNs of [0n, START - 5n, 1_002n, 1_003n])
    assert.deepEqual(dividedBy(acceptedNs), { request: 3, receive_queue: 27, ...rest });
  // It is not known when all had come, or was read.
  assert.deepEqual(dividedBy(1_022n, { isUnclear: true }), { unknown: 30, ...rest });
  assert.deepEqual(dividedBy(1_022n, { readNs: 0n }), {
    request: 3,
    accept_queue: 19,
    unknown: 18,
    acknowledgement: 10,
  });
  assert.deepEqual(dividedBy(1_031n), { unknown: 50 });
});

test('what lies next to a moment that is not known is unknown, and nothing else', () => {
  const whole = { cameNs: 1_003n, readNs: 1_010n, firstNs: 1_020n, writtenNs: 1_020n, lastNs: 1_100n };
  assert.deepEqual(dividedOf('server', { ...whole, cameNs: 0n }), {
    application: 10,
    acknowledgement: 80,
    unknown: 10,
  });
  const unread = { request: 3, acknowledgement: 80, unknown: 17 };
  // Read after the answer was written: when it began to answer, it had not read all.
  for (const readNs of [0n, 1_090n]) assert.deepEqual(dividedOf('server', { ...whole, readNs }), unread);
  assert.deepEqual(dividedOf('server', { ...whole, isUnclear: true }), {
    application: 10,
    acknowledgement: 80,
    unknown: 10,
  });
  const unacknowledged = { ...whole, lastNs: 0n, endNs: 1_100n, unsentNs: 1_060n };
  assert.deepEqual(dividedOf('server', unacknowledged), {
    request: 3,
    receive_queue: 7,
    application: 10,
    send: 40,
    unknown: 40,
  });
  const unanswered = { cameNs: 1_003n, readNs: 1_010n, endNs: 1_100n };
  assert.deepEqual(dividedOf('server', unanswered), { request: 3, receive_queue: 7, unknown: 90 });
  const client = { writtenNs: 1_004n, firstNs: 1_050n, lastNs: 1_080n, queuedNs: 12n };
  assert.deepEqual(dividedOf('client', { ...client, isUnclear: true }), {
    application: 4,
    peer: 46,
    unknown: 30,
  });
  const unheard = { writtenNs: 1_004n, lostNs: 50n, endNs: 1_080n };
  assert.deepEqual(dividedOf('client', unheard), { application: 4, retransmit: 50, unknown: 26 });
});

test('what no program saw sent again is not taken for the way', () => {
  const lost = { segmentsRetransmitted: 2, segmentsSeen: 1, lostNs: 20n };
  const client = { writtenNs: START, firstNs: 1_050n, lastNs: 1_050n };
  assert.deepEqual(dividedOf('client', { ...client, ...lost }), { retransmit: 20, unknown: 30 });
  const server = { cameNs: START, readNs: START, firstNs: START, writtenNs: START, lastNs: 1_050n };
  assert.deepEqual(dividedOf('server', { ...server, ...lost }), { retransmit: 20, unknown: 30 });
});

test('moments and durations that contradict each other say nothing', () => {
  const server = { cameNs: 1_003n, readNs: 1_010n, firstNs: 1_020n, writtenNs: 1_020n, lastNs: 1_100n };
  const wrong: Given[] = [
    { cameNs: 1_011n },
    { cameNs: START - 1n },
    { writtenNs: 1_101n },
    { unsentNs: 1_101n },
    { lostNs: 81n },
    { lostNs: 5n, lostUnsentNs: 6n, unsentNs: 1_021n },
    { earlierUnsentNs: 11n },
  ];
  for (const each of wrong) assert.deepEqual(dividedOf('server', { ...server, ...each }), { unknown: 100 });
  const client = { writtenNs: 1_004n, firstNs: 1_050n, lastNs: 1_080n };
  for (const each of [{ queuedNs: 31n }, { writtenNs: 1_051n }, { writtenNs: 0n }, { waitsNs: 1_049n }])
    assert.deepEqual(dividedOf('client', { ...client, ...each }), { unknown: 80 });
  assert.deepEqual(dividedOf('client', { ...client, endNs: START }), {});
});

test('whatever is given, the sum is the whole, and no phase is less than nothing', () => {
  const seen = new Set<Phase>();
  for (let turn = 0; turn < 50_000; turn += 1) {
    // Moments in any order, more often in the right one; some are missing.
    const isOrdered = Math.random() < 0.8;
    const moments = Array.from({ length: 6 }, () => START + BigInt(Math.floor(Math.random() * 90)));
    if (isOrdered) moments.sort((a, b) => Number(a - b));
    const [cameNs = 0n, readNs = 0n, firstNs = 0n, writtenNs = 0n, unsentNs = 0n, lastNs = 0n] = moments.map(
      (ns) => (Math.random() < 0.9 ? ns : 0n),
    );
    const duration = (): bigint => BigInt(Math.floor(Math.random() ** 4 * 60));
    const known = {
      ...{ cameNs, readNs, writtenNs, unsentNs, waitsNs: Math.random() < 0.5 ? 0n : lastNs },
      ...{ queuedNs: duration(), lostNs: duration(), lostUnsentNs: duration() },
      ...{ earlierUnsentNs: duration(), earlierLostNs: duration(), earlierUnknownNs: duration() },
      ...{ connectNs: Math.random() < 0.5 ? 0n : START, establishedNs: cameNs, acceptedNs: readNs - 1n },
      ...{ segmentsSeen: Math.floor(Math.random() * 2), isUnclear: Math.random() < 0.1 },
    };
    const segmentsRetransmitted = Math.floor(Math.random() * 2);
    for (const role of ['client', 'server'] as const) {
      const startNs = START - BigInt(Math.floor(Math.random() * 2));
      const endNs = [lastNs, readNs, firstNs, START].reduce((a, b) => (a > b ? a : b));
      const exchange = { role, firstNs, lastNs, segmentsRetransmitted };
      const division = divide(exchange, known, { startNs, endNs });
      let sum = 0n;
      for (const [phase, ns] of division) {
        assert.ok(ns > 0n, `${phase} of ${JSON.stringify([...division.keys()])}`);
        seen.add(phase);
        sum += ns;
      }
      assert.equal(sum, endNs - startNs);
    }
  }
  assert.equal(seen.size, 11, 'every phase was met');
});
