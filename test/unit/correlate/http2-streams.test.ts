import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Http2Streams } from '../../../receiver/correlate/http2-streams.ts';
import type { Http2Record } from '../../../receiver/model/http2-record.ts';
import type { RetransmitRecord } from '../../../receiver/model/record.ts';
import { decodeOne, SOCKET, CONTEXT } from '../../support/decode-one.ts';
import { http2Record, type Http2Fields } from '../../fixtures/records/write-http2.ts';
import { retransmitRecord } from '../../fixtures/records/write-records.ts';
import { newContext, valueOf } from '../../support/traceparent.ts';

const PLACE = { cookie: SOCKET.cookie, netns: 7 };
const END_HEADERS = 4;

function piece(given: Http2Fields): Http2Record {
  const record = decodeOne(http2Record({ ...PLACE, ...given }));
  assert.ok(record.kind === 'http2');
  return record;
}

/** A literal that is not indexed. */
const field = (name: string, value: string): string =>
  `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
const block = (...values: readonly string[]): Buffer =>
  Buffer.from(`\x82${values.map((value) => field('traceparent', value)).join('')}`, 'latin1');

function again(stream: number, netns = 7): RetransmitRecord {
  const record = decodeOne(retransmitRecord({ ...SOCKET, netns, stream, type: 1, context: CONTEXT }));
  assert.ok(record.kind === 'retransmit');
  return record;
}

function spanOf(streams: Http2Streams, stream: number): string | undefined {
  const { context } = streams.resolve(again(stream));
  return context?.method === 'h2_header' ? context.spanId : undefined;
}

describe('streams of HTTP/2', () => {
  it('have the context of their header block, before all that was announced', () => {
    const streams = new Http2Streams();
    const context = newContext();
    streams.take(piece({ stream: 1, timeNs: 9n, startSeq: 77, bytes: block(valueOf(context)) }));
    const { traceId, spanId, flags: traceFlags } = context;
    assert.deepEqual(streams.resolve(again(1)).context, {
      traceId,
      spanId,
      traceFlags,
      method: 'h2_header',
      startSeq: 77,
      requestStartNs: 9n,
    });
    assert.equal(
      streams.resolve(again(3)).context?.method,
      'http1_header',
      'what else is known of another stream',
    );
    assert.equal(streams.resolve(again(1, 8)).context?.method, 'http1_header', 'nor of another socket');
    assert.deepEqual(streams.counters.h2_header, { hit: 1, miss: 0, invalid: 0, stale: 0 });
  });

  it('have it at the server’s end too, where what the application says of its answer goes first', () => {
    const streams = new Http2Streams();
    const context = newContext();
    streams.take(piece({ stream: 1, role: 'server', bytes: block(valueOf(context)) }));
    assert.deepEqual(streams.counters.h2_stream, { hit: 1, miss: 0, invalid: 0, stale: 0 });
    const record = again(1);
    const said = record.context ?? assert.fail();
    const { context: found } = streams.resolve(record);
    assert.deepEqual([found?.method, found?.spanId], ['h2_stream', context.spanId]);
    const announced = { ...record, context: { ...said, method: 'sdk_hook' as const } };
    assert.equal(streams.resolve(announced), announced);
  });

  it('refuse a frame of which a piece is not there, though none is missing by its number', () => {
    const streams = new Http2Streams();
    const whole = block(valueOf(newContext()));
    const frame = { stream: 1, frameLength: whole.length };
    streams.take(piece({ ...frame, bytes: whole.subarray(0, 10) }));
    streams.take(piece({ ...frame, number: 1, offset: 12, bytes: whole.subarray(12) }));
    assert.equal(spanOf(streams, 1), undefined);
    assert.equal(streams.counters.h2_header.stale, 1);
  });

  it('take a block in pieces, of several frames, with padding and priority', () => {
    const streams = new Http2Streams();
    const context = newContext();
    const whole = block(valueOf(context));
    const [one, two] = [whole.subarray(0, 20), whole.subarray(20)];
    const padded = Buffer.concat([Buffer.of(3, 0, 0, 0, 0, 16), one, Buffer.alloc(3)]);
    const frame = { stream: 5, flags: 0x8 | 0x20, frameLength: padded.length };
    streams.take(piece({ ...frame, bytes: padded.subarray(0, 10) }));
    streams.take(piece({ ...frame, number: 1, offset: 10, bytes: padded.subarray(10) }));
    assert.equal(spanOf(streams, 5), undefined, 'the block goes on');
    streams.take(piece({ stream: 5, type: 9, flags: 0, number: 2, bytes: two }));
    streams.take(piece({ stream: 5, type: 9, flags: END_HEADERS, number: 3 }));
    assert.equal(spanOf(streams, 5), context.spanId);
  });

  it('keep their context when trailers come', () => {
    const streams = new Http2Streams();
    const [context, other] = [newContext(), newContext()];
    streams.take(piece({ stream: 1, bytes: block(valueOf(context)) }));
    streams.take(piece({ stream: 1, number: 1, bytes: block(valueOf(other)) }));
    assert.equal(spanOf(streams, 1), context.spanId);
    assert.equal(streams.counters.h2_header.hit, 1);
  });

  const values: Readonly<Record<string, readonly [readonly string[], 'miss' | 'invalid' | 'hit']>> = {
    none: [[], 'miss'],
    two: [[valueOf(newContext()), valueOf(newContext())], 'invalid'],
    'version ff': [[valueOf(newContext()).replace('00-', 'ff-')], 'invalid'],
    'upper case': [[valueOf(newContext()).toUpperCase()], 'invalid'],
    'no trace id': [[`00-${'0'.repeat(32)}-a000000000000001-01`], 'invalid'],
    'no span id': [[`00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`], 'invalid'],
    'a longer one of version 00': [[`${valueOf(newContext())}-1`], 'invalid'],
    'a longer one of version 01': [[`${valueOf(newContext()).replace('00-', '01-')}-1`], 'hit'],
    'one that is too long': [[`${valueOf(newContext()).replace('00-', '01-')}1`], 'invalid'],
  };
  for (const [name, [given, result]] of Object.entries(values))
    it(`count ${name} as ${result}`, () => {
      const streams = new Http2Streams();
      streams.take(piece({ stream: 1, bytes: block(...given) }));
      assert.equal(streams.counters.h2_header[result], 1);
      assert.equal(spanOf(streams, 1) !== undefined, result === 'hit');
    });

  const faults: Readonly<Record<string, Http2Fields>> = {
    'a piece is missing': { number: 2, stream: 3 },
    'the table breaks a rule': { stream: 3, bytes: Buffer.of(0xbe) },
    'a server’s stream': { stream: 2 },
    'CONTINUATION of no block': { stream: 3, type: 9 },
    'a piece outside its frame': { stream: 3, frameLength: 4, bytes: Buffer.alloc(5) },
    'a piece that leaves bytes out': { stream: 3, offset: 9, frameLength: 20, bytes: Buffer.alloc(5) },
    'more padding than payload': { stream: 3, flags: 0x8 | END_HEADERS, bytes: Buffer.of(9, 0x82) },
    'a block above the bound': { stream: 3, frameLength: 16_385, bytes: Buffer.alloc(8) },
  };
  for (const [name, fault] of Object.entries(faults))
    it(`are refused for good from there on: ${name}`, () => {
      const streams = new Http2Streams();
      const [context, late] = [newContext(), newContext()];
      streams.take(piece({ stream: 1, bytes: block(valueOf(context)) }));
      streams.take(piece({ number: 1, ...fault }));
      streams.take(piece({ number: 2, stream: 5, bytes: block(valueOf(late)) }));
      streams.take(piece({ number: 3, stream: 5, bytes: block(valueOf(late)) }));
      assert.equal(spanOf(streams, 5), undefined);
      assert.equal(spanOf(streams, 1), context.spanId, 'what was known before stays true');
      assert.equal(streams.counters.h2_header.stale, 3);
    });

  it('another block within one is refused', () => {
    const streams = new Http2Streams();
    streams.take(piece({ stream: 1, flags: 0, bytes: block() }));
    streams.take(piece({ number: 1, stream: 1, bytes: block(valueOf(newContext())) }));
    assert.equal(streams.counters.h2_header.stale, 1);
  });

  it('are refused on a connection that is joined late, and after its end', () => {
    const streams = new Http2Streams();
    const context = newContext();
    streams.take(piece({ number: 4, stream: 1, bytes: block(valueOf(context)) }));
    assert.equal(streams.counters.h2_header.stale, 1);
    assert.equal(spanOf(streams, 1), undefined);
  });

  it('are bounded in number, and so are their connections', () => {
    const streams = new Http2Streams({ connections: 2, streams: 3 });
    for (let cookie = 1n; cookie <= 4n; cookie += 1n)
      streams.take(piece({ cookie, stream: 1, bytes: block(valueOf(newContext())) }));
    assert.deepEqual(Object.values(streams.boundsMet), [2, 1]);
    streams.take(piece({ cookie: 1n, number: 1, stream: 3, bytes: block(valueOf(newContext())) }));
    assert.equal(streams.counters.h2_header.stale, 1);
  });
});
