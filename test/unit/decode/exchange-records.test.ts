import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROBE_ID } from '../../../receiver/decode/generated/layout.ts';
import { exchangeDecoder } from '../../../receiver/signals/exchange/decode.ts';
import {
  dividedExchangeRecord,
  exchangeRecord,
  retransmitRecord,
} from '../../fixtures/records/write-records.ts';
import { exchange } from '../../support/correlation.ts';
import { CONTEXT, decode, decodeOne, REQUEST, SOCKET, SOCKET_PART } from '../../support/decode-one.ts';

const GIVEN = {
  ...SOCKET,
  firstNs: 600n,
  lastNs: 2n ** 40n,
  bytesSent: 2n ** 33n,
  bytesReceived: 2n ** 34n,
  retransmitted: 7,
  rttUs: 1_500,
  eventful: 1,
  error: 104,
  reason: 3,
  context: CONTEXT,
};
const EXPECTED = {
  kind: 'exchange',
  ...SOCKET_PART,
  isEventful: true,
  firstNs: 600n,
  lastNs: 2n ** 40n,
  bytesSent: 2n ** 33n,
  bytesReceived: 2n ** 34n,
  segmentsRetransmitted: 7,
  rttSmoothedUs: 1_500,
  error: 'connection_reset',
  context: REQUEST,
};

test('exchanges carry every field', () => {
  assert.deepEqual(decodeOne(exchangeRecord({ ...GIVEN, what: 1 })), { ...EXPECTED, what: 'answered' });
  assert.deepEqual(decodeOne(exchangeRecord({ ...GIVEN, what: 2, eventful: 0 })), {
    ...EXPECTED,
    what: 'ended',
    isEventful: false,
  });
  const closed = { ...EXPECTED, what: 'closed', closeReason: 'reset_received' };
  assert.deepEqual(decodeOne(exchangeRecord({ ...GIVEN, what: 3 })), closed);
  assert.equal(exchangeDecoder.probeOf(exchange()), PROBE_ID.PROBE_EXCHANGE);
});

test('exchanges say how they divide where that was followed', () => {
  const times = Array.from({ length: 11 }, (_, nth) => 2n ** 40n + BigInt(nth));
  const [cameNs, readNs, queuedNs, waitsNs, writtenNs, unsentNs, lostNs, lostUnsentNs, ...earlier] = times;
  const [earlierUnsentNs, earlierLostNs, earlierUnknownNs] = earlier;
  const [connectNs, establishedNs, acceptedNs] = [7n, 2n ** 41n, 2n ** 42n] as const;
  const opening = [connectNs, establishedNs, acceptedNs];
  const given = { ...SOCKET, what: 2, times, seen: 5, unclear: 1, opening };
  const decoded = [0, 1].map((followed) => {
    const record = decodeOne(dividedExchangeRecord({ ...given, followed }));
    return record.kind === 'exchange' && record.phases;
  });
  const sent = {
    writtenNs,
    unsentNs,
    lostNs,
    lostUnsentNs,
    earlierUnsentNs,
    earlierLostNs,
    earlierUnknownNs,
    connectNs,
    establishedNs,
    acceptedNs,
  };
  const phases = { cameNs, readNs, queuedNs, waitsNs, ...sent, segmentsSeen: 5, isUnclear: true };
  assert.deepEqual(decoded, [undefined, phases]);
});

test('exchanges that end in no known way are bad', () => {
  for (const what of [0, 4])
    assert.deepEqual(decode(exchangeRecord({ ...GIVEN, what })), { records: [], decoded: 0, bad: 1 });
});

test('retransmissions say whether their exchange goes on', () => {
  const said = [0, 1].map((inExchange) => {
    const record = decodeOne(retransmitRecord({ ...SOCKET, inExchange }));
    return record.kind === 'retransmit' && record.isInExchange;
  });
  assert.deepEqual(said, [undefined, true]);
});
