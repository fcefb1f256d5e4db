import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DECISIONS } from '../../../receiver/correlate/decide.ts';
import type { RequestContext } from '../../../receiver/model/record.ts';
import { request, retransmit, second } from '../../support/correlation.ts';

const { decide, decideHandshake, decideRetransmit } = DECISIONS;

test('a header in the very bytes is exact evidence for a child', () => {
  const { context, isParent, result } = decide(request(), 100n * second);
  const { traceId, spanId } = request();
  assert.deepEqual(context, { traceId, spanId, traceFlags: 1, method: 'http1_header', confidence: 'exact' });
  assert.equal(isParent, true);
  assert.equal(result, 'hit');
});

test('what an application announced is exact, however many bytes it is of', () => {
  const context = request(1, { method: 'sdk_hook', startSeq: 0 });
  assert.equal(decide(context, 100n * second).context?.confidence, 'exact');
  const far = retransmit({ seq: 2 ** 31 + 2 ** 30, endSeq: 2 ** 31 + 2 ** 30 + 100, context });
  assert.deepEqual([decideRetransmit(far).result, decideRetransmit(far).isParent], ['hit', true]);
  const header = { ...context, method: 'http1_header' as const };
  assert.equal(decideRetransmit({ ...far, context: header }).result, 'stale');
});

test('the one request that is not answered is good evidence for a child, however long its answer is', () => {
  const context = request(1, { method: 'http1_window', startSeq: 0 });
  const far = retransmit({ seq: 2 ** 31 + 2 ** 30, endSeq: 2 ** 31 + 2 ** 30 + 100, context });
  const { result, isParent, context: found } = decideRetransmit(far);
  assert.deepEqual([result, isParent, found?.confidence], ['hit', true, 'high']);
  const unsampled = decideRetransmit({ ...far, context: { ...context, traceFlags: 0 } });
  assert.deepEqual([unsampled.result, unsampled.isParent], ['hit', false]);
});

test('the stream that its frames name is as good evidence as can be, at both ends', () => {
  for (const method of ['h2_header', 'h2_stream'] as const) {
    const far = retransmit({
      seq: 2 ** 31,
      endSeq: 2 ** 31 + 100,
      context: request(1, { method, startSeq: 0 }),
    });
    const { result, isParent, context } = decideRetransmit(far);
    assert.deepEqual([result, isParent, context?.confidence], ['hit', true, 'exact']);
  }
});

test('an unsampled request is known but is no parent', () => {
  for (const traceFlags of [0, 2, 0xfe]) {
    const { context, isParent } = decide(request(1, { traceFlags }), 100n * second);
    assert.equal(context?.traceFlags, traceFlags);
    assert.equal(isParent, false);
  }
});

test('no context: nothing', () => {
  assert.deepEqual(decide(undefined, 0n), { isParent: false, result: 'miss' });
  assert.deepEqual(decideRetransmit(retransmit()), { isParent: false, result: 'miss' });
  assert.deepEqual(decideHandshake(undefined), { isParent: false, result: 'miss' });
});

test('a method that the table does not have gives nothing', () => {
  const context = { ...request(), method: 'session_ctx' } as unknown as RequestContext;
  assert.deepEqual(decide(context, 100n * second), { isParent: false, result: 'invalid' });
});

test('ids that are no ids give nothing', () => {
  for (const bad of [
    { traceId: '0'.repeat(32) },
    { traceId: 'A'.repeat(32) },
    { traceId: 'a'.repeat(31) },
    { traceId: `${'a'.repeat(32)}\n` },
    { spanId: '0'.repeat(16) },
    { spanId: 'g'.repeat(16) },
    { spanId: 'a'.repeat(17) },
    { traceFlags: 256 },
    { traceFlags: -1 },
    { traceFlags: 0.5 },
  ]) {
    assert.deepEqual(decide(request(1, bad), 100n * second), { isParent: false, result: 'invalid' });
  }
});

test('nothing happens to a request before it begins', () => {
  assert.equal(decide(request(), 95n * second - 1n).result, 'stale');
  assert.equal(decide(request(), 95n * second).result, 'hit');
  assert.equal(decideHandshake(request()).result, 'hit', 'the handshake comes before its request');
});

test('a retransmission belongs to a request that owns a byte of it', () => {
  const at = (startSeq: number, seq: number, endSeq: number): string =>
    decideRetransmit(retransmit({ seq, endSeq, context: request(1, { startSeq }) })).result;
  assert.equal(at(1_000, 1_000, 2_000), 'hit');
  assert.equal(at(1_500, 1_000, 2_000), 'hit', 'the request begins within the segment');
  assert.equal(at(2_000, 1_000, 2_000), 'stale', 'the interval is half open');
  assert.equal(at(3_000, 1_000, 2_000), 'stale');
});

test('sequence numbers wrap', () => {
  const wrapped = { seq: 10, endSeq: 1_000, context: request(1, { startSeq: 0xffff_ff00 }) };
  assert.equal(decideRetransmit(retransmit(wrapped)).result, 'hit');
  const before = { seq: 0xffff_0000, endSeq: 0xffff_1000, context: request(1, { startSeq: 5 }) };
  assert.equal(decideRetransmit(retransmit(before)).result, 'stale');
  const long = { seq: 2 ** 31 + 500, endSeq: 2 ** 31 + 2_000, context: request(1, { startSeq: 1_000 }) };
  assert.equal(decideRetransmit(retransmit(long)).result, 'hit', 'a body of 2 GiB');
});

test('a SYN has no bytes: its context is that of the connect', () => {
  const syn = { type: 'syn', seq: 1, endSeq: 2, context: request(1, { startSeq: 9_000 }) };
  assert.equal(decideRetransmit(retransmit(syn)).result, 'hit');
});
