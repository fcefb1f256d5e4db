import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventLimit } from '../../../receiver/correlate/event-limit.ts';
import { createSpanLimit, type SpanLimit, type SpanRefusal } from '../../../receiver/correlate/span-limit.ts';
import { second } from '../../support/correlation.ts';

const refuse = (
  limit: SpanLimit,
  traceId: string,
  parentSpanId: string | undefined,
  nowNs: bigint,
): SpanRefusal | undefined => limit.refuse({ path: path('w'), traceId, parentSpanId }, nowNs);

/** A workload of a user and container of its own. */
const path = (name: string): string[] => [`user of ${name}`, `container of ${name}`, 'service', name];

test('a workload gets its burst, then its rate, then word of what was left out', () => {
  const limit = createEventLimit(5);
  const admitted = (nowNs: bigint, tries: number): (number | undefined)[] =>
    Array.from({ length: tries }, () => limit.admit('event', path('w'), nowNs));
  assert.deepEqual(admitted(0n, 12), [...Array<number>(10).fill(0), undefined, undefined]);
  assert.deepEqual(admitted(second, 7), [2, 0, 0, 0, 0, undefined, undefined]);
  assert.deepEqual(admitted(2n * second, 1), [2]);
});

test('names and workloads do not share their rate', () => {
  const limit = createEventLimit(1);
  for (const [name, workload] of [
    ['a', 'w'],
    ['a', 'v'],
    ['b', 'w'],
  ] as const) {
    assert.equal(limit.admit(name, path(workload), 0n), 0);
    assert.equal(limit.admit(name, path(workload), 0n), 0);
    assert.equal(limit.admit(name, path(workload), 0n), undefined);
  }
});

test('the node has a rate of its own for each name', () => {
  const limit = createEventLimit(5);
  let admitted = 0;
  for (let workload = 0; workload < 1_000; workload += 1) {
    if (limit.admit('event', path(`w${workload}`), 0n) !== undefined) admitted += 1;
  }
  assert.equal(admitted, 194, 'one alone would get 100');
  assert.equal(limit.admit('other', path('w0'), 0n), 0);
});

test('of each name the rates of at most 10,000 workloads are remembered', () => {
  const limit = createEventLimit(1);
  for (let workload = 0; workload < 10_001; workload += 1) limit.admit('event', path(`w${workload}`), 0n);
  limit.admit('other', path('w0'), 0n);
  assert.equal(limit.evictions, 1);
  for (let workload = 1; workload < 10_002; workload += 1) limit.admit('other', path(`w${workload}`), 0n);
  assert.equal(limit.evictions, 3);
});

test('the counts of at most 10,000 parents and traces are remembered', () => {
  const limit = createSpanLimit({ perSecond: 0, maxPerParent: 1, maxPerTrace: 0 }, 0n);
  for (let trace = 0; trace < 10_001; trace += 1) refuse(limit, `t${trace}`, 'p', 0n);
  assert.equal(limit.evictions, 2);
  assert.equal(refuse(limit, 't10000', 'p', 0n), 'parent');
});

test('zero means no limit', () => {
  const limit = createEventLimit(0);
  for (let index = 0; index < 1_000; index += 1) assert.equal(limit.admit('event', path('w'), 0n), 0);
});

test('spans of one parent and of one trace have caps', () => {
  const limit = createSpanLimit({ perSecond: 0, maxPerParent: 2, maxPerTrace: 3 }, 0n);
  assert.equal(refuse(limit, 't', 'p', 0n), undefined);
  assert.equal(refuse(limit, 't', 'p', 0n), undefined);
  assert.equal(refuse(limit, 't', 'p', 0n), 'parent');
  assert.equal(refuse(limit, 't', 'q', 0n), undefined);
  assert.equal(refuse(limit, 't', 'r', 0n), 'trace');
  assert.equal(refuse(limit, 'u', 'p', 0n), undefined, 'the same span id in another trace is another span');
});

test('all spans together have a rate; one refused uses none of it', () => {
  const limit = createSpanLimit({ perSecond: 3, maxPerParent: 1, maxPerTrace: 0 }, 0n);
  assert.equal(refuse(limit, 't', 'p', 0n), undefined);
  assert.equal(refuse(limit, 't', 'p', 0n), 'parent');
  assert.equal(refuse(limit, 't', undefined, 0n), undefined);
  assert.equal(refuse(limit, 't', 'q', 0n), undefined);
  assert.equal(refuse(limit, 't', 'r', 0n), 'rate');
  assert.equal(
    refuse(limit, 't', 'r', second),
    undefined,
    'what the rate refused did not count for its parent',
  );
});
