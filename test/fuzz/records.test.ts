import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../config/index.ts';
import { RECORD_HEADER } from '../../receiver/decode/generated/layout.ts';
import type { MapImage } from '../../receiver/map-image.ts';
import type { NetworkEvent, NetworkSpan } from '../../receiver/model.ts';
import { Pipeline } from '../../receiver/pipeline.ts';
import type { KernelSource } from '../../receiver/source/kernel-source.ts';
import { CONTEXT, CURL_OWNER, SOCKET } from '../unit/decode/decode-one.ts';
import {
  batchOf,
  connectionRecord,
  dropRecord,
  latencyRecord,
  listenerRecord,
  ownerRecord,
  resetRecord,
  retransmitRecord,
  softirqRecord,
  stateRecord,
} from '../fixtures/records/write-records.ts';
import { fuzz, inputsOf } from './fuzz.ts';

/** The longest of a record's own texts, an IPv6 address, a stack of function names. */
const MAX_TEXT = 2_048;

const all = [
  ownerRecord(CURL_OWNER),
  ...[1, 2, 3, 4, 5].map((what) => connectionRecord({ ...SOCKET, what, context: CONTEXT })),
  stateRecord(SOCKET),
  listenerRecord({ ...SOCKET, backlog: 128 }),
  retransmitRecord({ ...SOCKET, type: 1, segments: 1, context: CONTEXT }),
  resetRecord({ ...SOCKET, received: 1 }),
  dropRecord({ cookie: 5n, source: [127, 0, 0, 1], destination: [127, 0, 0, 1], reason: 3 }),
  latencyRecord({ ...SOCKET, valueNs: 5_000_000n, what: 1 }),
  softirqRecord({ valueNs: 7_000_000n, vector: 3, cpu: 1 }),
].map((record) => Buffer.from(record));
const corpus = [...all, Buffer.from(batchOf(...all)), Buffer.from(batchOf(...all, ...all)), Buffer.alloc(7)];

const nothing: MapImage = {
  count: 0,
  keys: new Uint8Array(64),
  values: new Uint8Array(64),
  keySize: 8,
  stride: 8,
};

/** The whole road of records, with everything on; what leaves it is kept by `left`. */
function createRoad(): {
  pipeline: Pipeline;
  give(bytes: Uint8Array): void;
  left: (NetworkEvent | NetworkSpan)[];
} {
  let waiting: Uint8Array | undefined;
  const source = {
    names: { dropReason: String, resetReason: () => undefined, functionAt: () => undefined },
    hasStrays: false,
    read: () => nothing,
    lookup: () => false,
    delete: () => undefined,
    pass: () => 1,
    countStates: () => [],
    drain(handle: (batch: Uint8Array) => void): number {
      const bytes = waiting;
      waiting = undefined;
      if (bytes !== undefined && bytes.length > 0) handle(bytes);
      return bytes?.length ?? 0;
    },
  };
  const argv = ['--events.rate_limit=0', '--spans.rate_limit=0', '--spans.tcp.connection=correlated'];
  const config = loadConfig({ argv, env: {}, readFile: () => '' });
  const left: (NetworkEvent | NetworkSpan)[] = [];
  const pipeline = new Pipeline(source as unknown as KernelSource, config, {
    event: (event) => void left.push(event),
    span: (span) => void left.push(span),
  });
  return { pipeline, left, give: (bytes) => void (waiting = bytes) };
}

/** Records by their headers alone, as bpf/include/wire.h lays them out: what cannot be walked on ends as one. */
function countRecords(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count += 1) {
    if (at + RECORD_HEADER.size > bytes.length) return count + 1;
    const size = bytes.readUInt32LE(at + 12);
    if (size < RECORD_HEADER.size || at + size > bytes.length) return count + 1;
    at += Math.ceil(size / 8) * 8;
  }
  return count;
}

function checkLeft({ attributes, resource }: NetworkEvent | NetworkSpan): void {
  assert.notEqual(resource.id, '');
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string') assert.ok(value.length <= MAX_TEXT, `${name} has ${String(value.length)}`);
    if (typeof value === 'number') assert.ok(Number.isFinite(value), `${name} is ${String(value)}`);
  }
}

test('records: each is decoded or counted as bad, and everything counted leaves', async (t) => {
  const { pipeline, give, left } = createRoad();
  let events = 0;
  let spans = 0;
  const count = await fuzz(inputsOf(corpus), (input) => {
    const before = pipeline.decoded.decoded + pipeline.decoded.bad;
    give(new Uint8Array(input));
    pipeline.drain();
    assert.equal(pipeline.decoded.decoded + pipeline.decoded.bad - before, countRecords(input));
    pipeline.tick();
    for (const each of left.splice(0)) {
      if ('startUnixNs' in each) {
        spans += 1;
        assert.ok(each.endUnixNs > each.startUnixNs, `${each.name} ends before it begins`);
      } else events += 1;
      checkLeft(each);
    }
    const { counters } = pipeline.correlator;
    assert.deepEqual([counters.events, counters.spans], [events, spans]);
  });
  t.diagnostic(`${String(count)} inputs, ${String(events)} events, ${String(spans)} spans`);
  assert.ok(count > 100 && events > 0 && pipeline.decoded.bad > 0 && pipeline.decoded.decoded > 0);
});
