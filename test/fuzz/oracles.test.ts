import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RECORD_HEADER } from '../../receiver/decode/generated/layout.ts';
import { decodeBatch } from '../../receiver/signals/records.ts';
import type { NetworkSpan } from '../../receiver/model/event.ts';
import { batchOf, stateRecord } from '../fixtures/records/write-records.ts';
import { SOCKET } from '../support/decode-one.ts';
import { checkAlone, recordsOf } from './decoding.ts';
import {
  checkCgroupPath,
  checkContainer,
  checkDeclared,
  checkDump,
  checkLeft,
  checkMessage,
  checkResource,
  checkResult,
  checkShown,
  SECRET,
} from './oracles.ts';

const ID = 'a1'.repeat(32);
const POD = '0f8fad5b-d9cb-469f-a165-70867728950e';

/** A span with what an oracle looks at. */
function span(changes: object): NetworkSpan {
  const whole = { name: 'x', resource: { id: 'r' }, attributes: { a: 1 }, startUnixNs: 1n, endUnixNs: 2n };
  return { ...whole, ...changes } as unknown as NetworkSpan;
}

/** Decodes as it should, but for one byte after each record, which becomes part of its time. */
const readsOn: typeof decodeBatch = (bytes, owners, counters, handle) => {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset);
  let at = 0;
  decodeBatch(bytes, owners, counters, (record) => {
    at += Buffer.from(bytes).readUInt32LE(at + 12);
    handle(record.kind === 'state' ? { ...record, timeNs: record.timeNs + BigInt(view[at] ?? 0) } : record);
  });
};

const state = stateRecord(SOCKET);
const batch = Buffer.from(batchOf(state, state));
const cut = batch.subarray(0, state.length + RECORD_HEADER.size - 1);

/** By oracle: what it lets pass, and what it must not. */
const cases: Readonly<Record<string, { good: (() => void)[]; bad: (() => void)[] }>> = {
  'what leaves': {
    good: [() => checkLeft(span({}))],
    bad: [
      () => checkLeft(span({ resource: { id: '' } })),
      () => checkLeft(span({ attributes: { a: 'x'.repeat(2_049) } })),
      () => checkLeft(span({ attributes: { a: NaN } })),
      () => checkLeft(span({ endUnixNs: 1n })),
    ],
  },
  'decoding within a record': {
    good: [() => checkAlone(batch, decodeBatch), () => checkAlone(cut, decodeBatch)],
    bad: [() => checkAlone(batch, readsOn)],
  },
  'the result of an answer': {
    good: [() => checkResult({ status: 'taken', rejected: 1, message: '' }, 1)],
    bad: [
      () => checkResult({ status: 'taken', rejected: 2, message: '' }, 1),
      () => checkResult({ status: 'taken', rejected: 0.5, message: '' }, 1),
      () => checkResult({ status: 'taken', rejected: -1, message: '' }, 1),
      () => checkResult({ status: 'retry', cause: '', afterMs: -1 }, 1),
      () => checkResult({ status: 'retry', cause: '', afterMs: NaN }, 1),
      () => checkResult({ status: 'retry', cause: '', afterMs: 2 ** 31 }, 1),
    ],
  },
  'a text of others': {
    good: [() => checkShown('HTTP 503 busy')],
    bad: ['x'.repeat(300), 'a\nb', '\u202e', `key ${SECRET}`].map((text) => () => checkShown(text)),
  },
  'what is declared': {
    good: [() => checkDeclared(new Map([['service.name', 'x'.repeat(1_024)]]))],
    bad: [
      () => checkDeclared(new Map([['a', 'x'.repeat(1_025)]])),
      () => checkDeclared(new Map([['x'.repeat(129), 'a']])),
      () => checkDeclared(new Map([['host.id', 'a']])),
      () => checkDeclared(new Map([['', 'a']])),
      () => checkDeclared(new Map(['a', 'b', 'c'].map((key) => [key, 'x'.repeat(1_000)]))),
    ],
  },
  'a resource': {
    good: [() => checkResource({ 'host.name': 'h' }, 'h')],
    bad: [
      () => checkResource({ 'host.name': 'other' }, 'h'),
      () => checkResource({ 'host.name': 'h', a: 'x'.repeat(4_096) }, 'h'),
    ],
  },
  'a container': {
    good: [() => checkContainer({ containerId: ID, podUid: POD }, `${ID} ${POD.replaceAll('-', '_')}`)],
    bad: [
      () => checkContainer({ containerId: ID }, 'none'),
      () => checkContainer({ containerId: 'short' }, 'short'),
      () => checkContainer({ podUid: POD }, 'none'),
      () => checkContainer({ podUid: 'short' }, 'short'),
    ],
  },
  'a path of a cgroup': {
    good: [() => checkCgroupPath('/a', 2)],
    bad: ['a', '/\0', '/ab'].map((path) => () => checkCgroupPath(path, 2)),
  },
  'the refusal of settings': {
    good: [() => checkMessage('one\ntwo', true), () => checkMessage(`${SECRET} is no number`, false)],
    bad: ['a\n'.repeat(6), 'x'.repeat(701), 'a\x1b[2J', SECRET].map((text) => () => checkMessage(text, true)),
  },
  'settings that were taken': {
    good: [() => checkDump('a: 1 # file x', 'a: 1 # file y', true)],
    bad: [
      () => checkDump('a: 1', 'a: 2', true),
      () => checkDump('a: 1', undefined, true),
      () => checkDump(`a: ${SECRET}`, `a: ${SECRET}`, true),
    ],
  },
};

for (const [name, { good, bad }] of Object.entries(cases)) {
  test(`${name}: the oracle can fail`, () => {
    for (const check of good) check();
    for (const [index, check] of bad.entries())
      assert.throws(check, { code: 'ERR_ASSERTION' }, `broken input ${String(index)}`);
  });
}

test('records are counted by their headers', () => {
  assert.equal(recordsOf(batch).length, 2);
  assert.equal(recordsOf(cut).length, 2);
  assert.equal(recordsOf(Buffer.alloc(7)).length, 1);
  assert.equal(recordsOf(Buffer.alloc(0)).length, 0);
});
