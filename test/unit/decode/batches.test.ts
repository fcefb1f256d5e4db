import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import { decodeBatch } from '../../../receiver/signals/records.ts';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { unmarked } from '../../../receiver/recording/for-views.ts';
import {
  batchOf,
  connectionRecord,
  dropRecord,
  latencyRecord,
  headed,
  listenerRecord,
  ownerRecord,
  resetRecord,
  retransmitRecord,
  softirqRecord,
  stateRecord,
} from '../../fixtures/records/write-records.ts';

/** One record of a batch: what it decodes to, by a mark that the record carries; undefined for a bad one. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly mark: bigint | undefined;
}

interface Outcome {
  readonly marks: bigint[];
  readonly decoded: number;
  readonly bad: number;
}

function decode(bytes: Uint8Array): Outcome {
  const counters = { decoded: 0, bad: 0 };
  const marks: bigint[] = [];
  decodeBatch(bytes, new OwnerTable(4, () => false), counters, (record) => marks.push(markOf(record)));
  return { marks, ...counters };
}

function markOf(record: KernelRecord): bigint {
  if ('cookie' in record) return record.cookie;
  return 'owner' in record ? record.owner.startNs : record.timeNs;
}

/** `size` bytes of header and the rest as it was. */
function resized(record: Uint8Array, size: number, tail: number): Uint8Array {
  const grown = new Uint8Array(size).fill(tail);
  grown.set(record.subarray(0, size));
  new DataView(grown.buffer).setUint32(12, size, true);
  return grown;
}

const anyMark = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
const oneRecord: fc.Arbitrary<Piece> = fc
  .record({
    mark: anyMark,
    kind: fc.integer({ min: 1, max: 8 }),
    pid: fc.nat(3),
    family: fc.constantFrom(4, 6),
  })
  .map(({ mark, kind, pid, family }) => {
    const socket = { cookie: mark, pid, startNs: 5n, family };
    const bytes = [
      ownerRecord({ startNs: mark, pid }),
      connectionRecord({ ...socket, what: 4 }),
      stateRecord(socket),
      listenerRecord(socket),
      retransmitRecord(socket),
      dropRecord(socket),
      resetRecord(socket),
      latencyRecord(socket),
    ][kind - 1];
    return { bytes: bytes ?? assert.fail(), mark };
  });

/** A later kernel side may have longer records: what is known of them is read. */
const longer = fc
  .tuple(oneRecord, fc.integer({ min: 1, max: 40 }), fc.nat(255))
  .map(([piece, extra, tail]) => ({
    ...piece,
    bytes: resized(piece.bytes, piece.bytes.length + extra, tail),
  }));
/** A size that is true, and too small for the kind. */
const tooShort = fc
  .tuple(oneRecord, fc.double({ min: 0, max: 0.999, noNaN: true }))
  .map(([{ bytes }, part]) => ({
    bytes: resized(bytes, 16 + Math.floor((bytes.length - 16) * part), 0),
    mark: undefined,
  }));
const unknownKind = fc
  .tuple(fc.constantFrom(0, 98, 99, 0x80000000, 0xffffffff), fc.integer({ min: 16, max: 300 }))
  .map(([kind, size]) => ({ bytes: headed(size, kind, 1n).bytes, mark: undefined }));
const unknownValue = anyMark.chain((cookie) =>
  fc.constantFrom(
    { bytes: connectionRecord({ cookie, what: 77 }), mark: undefined },
    { bytes: stateRecord({ cookie, state: 99 }), mark: undefined },
    { bytes: stateRecord({ cookie, previous: 99 }), mark: undefined },
    { bytes: retransmitRecord({ cookie, type: 99 }), mark: undefined },
    { bytes: latencyRecord({ cookie, what: 99 }), mark: undefined },
    { bytes: softirqRecord({ vector: 99 }), mark: undefined },
  ),
);

const piece: fc.Arbitrary<Piece> = fc.oneof(
  { weight: 4, arbitrary: oneRecord },
  { weight: 2, arbitrary: longer },
  tooShort,
  unknownKind,
  unknownValue,
);
const pieces = fc.array(piece, { maxLength: 30 });

function marksOf(given: readonly Piece[]): bigint[] {
  return given.flatMap(({ mark }) => mark ?? []);
}

function badOf(given: readonly Piece[]): number {
  return given.filter(({ mark }) => mark === undefined).length;
}

function expected(given: readonly Piece[]): Outcome {
  const marks = marksOf(given);
  return { marks, decoded: marks.length, bad: badOf(given) };
}

describe('a batch', () => {
  it('gives every good record in order and counts every bad one once', () => {
    fc.assert(
      fc.property(pieces, (given) => {
        assert.deepEqual(decode(batchOf(...given.map(({ bytes }) => bytes))), expected(given));
      }),
      { numRuns: 300 },
    );
  });

  it('may begin at any byte of a larger buffer', () => {
    fc.assert(
      fc.property(pieces, fc.nat(17), fc.nat(9), (given, before, behind) => {
        const batch = batchOf(...given.map(({ bytes }) => bytes));
        const buffer = new Uint8Array(before + batch.length + behind).fill(0xa5);
        buffer.set(batch, before);
        assert.deepEqual(decode(buffer.subarray(before, before + batch.length)), expected(given));
      }),
    );
  });

  it('that is cut short loses the record that was cut, and counts it', () => {
    fc.assert(
      fc.property(pieces, oneRecord, fc.double({ min: 0, max: 0.999, noNaN: true }), (given, last, part) => {
        const batch = batchOf(...given.map(({ bytes }) => bytes), last.bytes);
        const kept = 1 + Math.floor((last.bytes.length - 1) * part);
        const padded = Math.ceil(last.bytes.length / 8) * 8;
        const cut = batch.subarray(0, batch.length - padded + kept);
        const { marks, decoded, bad } = expected(given);
        assert.deepEqual(decode(cut), { marks, decoded, bad: bad + 1 });
      }),
      { numRuns: 300 },
    );
  });

  it('ends, as one bad record, where a size cannot be true', () => {
    fc.assert(
      fc.property(pieces, oneRecord, pieces, fc.nat(), (given, liar, behind, seed) => {
        const head = batchOf(...given.map(({ bytes }) => bytes));
        const rest = batchOf(liar.bytes, ...behind.map(({ bytes }) => bytes));
        const lies = [0, 1, 15, rest.length + 1, rest.length + 4096, 0x7fffffff, 0x80000000, 0xffffffff];
        new DataView(rest.buffer).setUint32(12, lies[seed % lies.length] ?? 0, true);
        const { marks, decoded, bad } = expected(given);
        assert.deepEqual(decode(new Uint8Array(Buffer.concat([head, rest]))), {
          marks,
          decoded,
          bad: bad + 1,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('of nothing is nothing', () => {
    assert.deepEqual(decode(new Uint8Array(0)), { marks: [], decoded: 0, bad: 0 });
  });
});

/** Walks sizes as the contract says: how many records a batch has, the last perhaps cut. */
function recordsIn(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes);
  let records = 0;
  for (let at = 0; at < buffer.length; records += 1) {
    const size = at + 16 <= buffer.length ? buffer.readUInt32LE(at + 12) : 0;
    if (size < 16 || at + size > buffer.length) return records + 1;
    at += Math.ceil(size / 8) * 8;
  }
  return records;
}

describe('any bytes at all', () => {
  function checkAccounts(bytes: Uint8Array): void {
    const { decoded, bad } = decode(bytes);
    assert.equal(decoded + bad, recordsIn(bytes));
    // Any byte may say that a record is for views alone, which is decoded and handed to nobody.
    assert.equal(decode(unmarked(bytes)).marks.length, decoded);
  }

  it('never throw, and every record is decoded or bad', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), checkAccounts), { numRuns: 500 });
  });

  it('behind a header that looks right', () => {
    const record = fc
      .tuple(fc.integer({ min: 0, max: 11 }), fc.uint8Array({ minLength: 0, maxLength: 300 }))
      .map(([kind, body]) => headed(16 + body.length, kind, 1n).raw(16, body).bytes);
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), (records) => checkAccounts(batchOf(...records))),
      { numRuns: 500 },
    );
  });

  it('and good batches with any bytes spoilt', () => {
    const spoilt = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(pieces, spoilt, (given, changes) => {
        const batch = batchOf(...given.map(({ bytes }) => bytes));
        for (const [at, value] of changes) batch[at % Math.max(1, batch.length)] = value;
        checkAccounts(batch);
      }),
      { numRuns: 500 },
    );
  });
});
