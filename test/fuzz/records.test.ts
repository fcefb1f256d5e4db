import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../config/index.ts';
import { decodeBatch } from '../../receiver/signals/records.ts';
import type { NetworkEvent, NetworkSpan } from '../../receiver/model/event.ts';
import { Pipeline } from '../../receiver/agent/pipeline.ts';
import { CONTEXT, CURL_OWNER, SOCKET } from '../support/decode-one.ts';
import { waitingRecords } from '../support/waiting-records.ts';
import { http2Record } from '../fixtures/records/write-http2.ts';
import {
  batchOf,
  connectionRecord,
  dropRecord,
  exchangeRecord,
  latencyRecord,
  listenerRecord,
  ownerRecord,
  resetRecord,
  retransmitRecord,
  softirqRecord,
  stateRecord,
} from '../fixtures/records/write-records.ts';
import { wakeupRecord } from '../fixtures/records/write-wakeup.ts';
import { dnsRecord } from '../fixtures/records/write-dns.ts';
import { zeroWindowRecord } from '../fixtures/records/write-zero-window.ts';
import { checkAlone, recordsOf } from './decoding.ts';
import { fuzz, inputsOf } from './fuzz.ts';
import { checkLeft } from './oracles.ts';

const all = [
  ownerRecord(CURL_OWNER),
  ...[1, 2, 3, 4, 5].map((what) => connectionRecord({ ...SOCKET, what, context: CONTEXT })),
  stateRecord(SOCKET),
  listenerRecord({ ...SOCKET, backlog: 128 }),
  retransmitRecord({ ...SOCKET, type: 1, segments: 1, context: CONTEXT }),
  retransmitRecord({ ...SOCKET, type: 1, segments: 1, inExchange: 1, context: CONTEXT }),
  ...[1, 2, 3].map((what) =>
    exchangeRecord({ ...SOCKET, what, firstNs: 600n, lastNs: 700n, eventful: 1, context: CONTEXT }),
  ),
  http2Record({ cookie: SOCKET.cookie, stream: 1, bytes: Buffer.from([0x82, 0x86]) }),
  http2Record({ cookie: SOCKET.cookie, number: 1, stream: 3, flags: 0, bytes: Buffer.from([0x40, 0x01]) }),
  retransmitRecord({ ...SOCKET, type: 1, segments: 1, stream: 1 }),
  resetRecord({ ...SOCKET, received: 1 }),
  dropRecord({ cookie: 5n, source: [127, 0, 0, 1], destination: [127, 0, 0, 1], reason: 3 }),
  latencyRecord({ ...SOCKET, valueNs: 5_000_000n, what: 1 }),
  softirqRecord({ valueNs: 7_000_000n, vector: 3, cpu: 1 }),
  wakeupRecord({ ...SOCKET, wakeNs: 5n, runNs: 7n, inSoftirq: 1, vector: 3, waker: 'nginx' }),
  dnsRecord({ timeNs: 5n, message: Buffer.from([0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }),
  dnsRecord({ timeNs: 5n, length: 4_096 }),
  zeroWindowRecord({ ...SOCKET, closedNs: 5n, seq: 9, waiting: 7, told: 2, end: 1, context: CONTEXT }),
].map((record) => Buffer.from(record));
const corpus = [...all, Buffer.from(batchOf(...all)), Buffer.from(batchOf(...all, ...all)), Buffer.alloc(7)];

/** The whole road of records, with everything on; what leaves it is kept by `left`. */
function createRoad(): {
  pipeline: Pipeline;
  give(bytes: Uint8Array): void;
  left: (NetworkEvent | NetworkSpan)[];
} {
  const { source, give } = waitingRecords();
  const argv = [
    '--events.rate_limit=0',
    '--spans.rate_limit=0',
    '--spans.tcp.connection=correlated',
    '--correlation.http2=on',
  ];
  const config = loadConfig({ argv, env: {}, readFile: () => '' });
  const left: (NetworkEvent | NetworkSpan)[] = [];
  const pipeline = new Pipeline(source, config, {
    event: (event) => void left.push(event),
    span: (span) => void left.push(span),
  });
  return { pipeline, left, give };
}

test('records: each is decoded or counted as bad, and everything counted leaves', async (t) => {
  const { pipeline, give, left } = createRoad();
  let events = 0;
  let spans = 0;
  const count = await fuzz(inputsOf(corpus), (input) => {
    const before = pipeline.decoded.decoded + pipeline.decoded.bad;
    give(new Uint8Array(input));
    pipeline.drain();
    assert.equal(pipeline.decoded.decoded + pipeline.decoded.bad - before, recordsOf(input).length);
    pipeline.tick();
    for (const each of left.splice(0)) {
      if ('startUnixNs' in each) spans += 1;
      else events += 1;
      checkLeft(each);
    }
    const { counters } = pipeline.correlator;
    assert.deepEqual([counters.events, counters.spans], [events, spans]);
  });
  t.diagnostic(`${String(count)} inputs, ${String(events)} events, ${String(spans)} spans`);
  assert.ok(count > 100 && events > 0 && pipeline.decoded.bad > 0 && pipeline.decoded.decoded > 0);
});

test('records: nothing outside a record has a part in what it says', async (t) => {
  let walked = 0;
  const count = await fuzz(inputsOf(corpus), (input) => {
    walked += recordsOf(input).length;
    checkAlone(input, decodeBatch);
  });
  t.diagnostic(`${String(count)} inputs, ${String(walked)} records`);
  assert.ok(count > 100 && walked > count);
});
