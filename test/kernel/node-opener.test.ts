/** Whose a Node thread's writes are, by what it says and what was read: each step of the programs' own decision. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BpfSession } from '../../native/index.ts';
import { CONTEXT_METHOD } from '../../receiver/decode/generated/layout.ts';
import { projectFolder } from '../backends/place.ts';

const FOLDER = join(projectFolder, 'test', 'kernel');
const OBJECT = join(projectFolder, 'build', 'test', 'kernel', 'node-opener.bpf.o');
const WRITES = 16;
const TOLD_BYTES = 24;
/** `NODE_INHERIT_NS`. */
const INHERIT_NS = 1_000_000_000n;

const [OPENER, OTHER, NOBODY] = [7n, 11n, 0n];
/** Types of TLS records, and a first byte that is none. */
const [CIPHER_SPEC, HANDSHAKE, DATA, TEXT] = [20, 22, 23, 0x47];

interface Write {
  /** Whose context the thread says; without it none. */
  readonly says?: bigint;
  readonly isUnclear?: boolean;
  readonly type: number;
  /** How far the process has read. */
  readonly read?: number;
  readonly at?: bigint;
}

/** A span, and whether it is the opener's by inheritance. */
type Judged = bigint | 'inherited';

describe('whose a write of Node is', () => {
  let session: BpfSession;

  before(() => {
    execFileSync('make', ['-s', '-C', FOLDER]);
    session = BpfSession.open(OBJECT);
    session.load();
  });
  after(() => session.close());

  function judge(writes: readonly Write[], opener: bigint | 'unseen' = OPENER): Judged[] {
    const tolds = new DataView(new ArrayBuffer(WRITES * TOLD_BYTES));
    for (const [i, { says = NOBODY, isUnclear = false, type, read = 0, at = 0n }] of writes.entries()) {
      tolds.setBigUint64(TOLD_BYTES * i, at, true);
      tolds.setBigUint64(TOLD_BYTES * i + 8, says, true);
      tolds.setUint32(TOLD_BYTES * i + 16, read, true);
      for (const [k, byte] of [type, Number(i === 0), Number(isUnclear)].entries())
        tolds.setUint8(TOLD_BYTES * i + 20 + k, byte);
    }
    const [spans, methods] = [new BigUint64Array(WRITES), new Uint32Array(WRITES)];
    const isUnseen = Number(opener === 'unseen');
    session.setVariable('tolds', new Uint8Array(tolds.buffer));
    session.setVariable('told_count', new Uint8Array(new Uint32Array([writes.length]).buffer));
    session.setVariable('is_unseen', new Uint8Array(new Uint32Array([isUnseen]).buffer));
    const span = opener === 'unseen' ? NOBODY : opener;
    session.setVariable('opener_span', new Uint8Array(new BigUint64Array([span]).buffer));
    session.runIterator('test_node_opener', new Uint8Array(0));
    session.getVariable('spans', new Uint8Array(spans.buffer));
    session.getVariable('methods', new Uint8Array(methods.buffer));
    return writes.map((_, i) =>
      methods[i] === CONTEXT_METHOD.METHOD_TLS_INHERIT ? 'inherited' : (spans[i] ?? NOBODY),
    );
  }

  /** A hello and the client's last message of the handshake, after the server's was read. */
  const hello: Write = { says: OPENER, type: HANDSHAKE };
  const finished: Write = { type: CIPHER_SPEC, read: 100, at: 5n };

  test('the opener until an answer was read, and any other at any time', () => {
    const says = (span: bigint, read: number): Write => ({ says: span, type: TEXT, read });
    assert.deepEqual(
      judge([says(OPENER, 0), says(OPENER, 0), says(OPENER, 9), says(OTHER, 9), says(OPENER, 9)]),
      [OPENER, OPENER, NOBODY, OTHER, NOBODY],
    );
  });

  test("once another's was written the opener's is nobody's, though nothing was read", () => {
    const [mine, others]: [Write, Write] = [
      { says: OPENER, type: TEXT },
      { says: OTHER, type: TEXT },
    ];
    assert.deepEqual(judge([mine, others, mine]), [OPENER, OTHER, NOBODY]);
    const idle: Write = { type: DATA, read: 100, at: 6n };
    assert.deepEqual(judge([hello, finished, { ...idle, says: OTHER }, idle]), [
      OPENER,
      'inherited',
      OTHER,
      NOBODY,
    ]);
  });

  test('in no context: of the opener over TLS alone', () => {
    assert.deepEqual(judge([hello, finished, { type: DATA, read: 100, at: 6n }]), [
      OPENER,
      'inherited',
      'inherited',
    ]);
    assert.deepEqual(judge([{ type: TEXT }, { type: TEXT }]), [NOBODY, NOBODY]);
    assert.deepEqual(judge([{ says: OPENER, type: TEXT }, { type: DATA }]), [OPENER, NOBODY]);
  });

  test('TLS 1.3 without a change of ciphers ends its handshake with a record of data', () => {
    assert.deepEqual(judge([hello, { ...finished, type: DATA }]), [OPENER, 'inherited']);
    assert.deepEqual(judge([hello, { ...finished, type: TEXT }]), [OPENER, NOBODY]);
  });

  test('a context that is not known is not taken for none', () => {
    const unclear: Write = { type: DATA, read: 100, at: 6n, isUnclear: true };
    assert.deepEqual(judge([hello, finished, unclear]), [OPENER, 'inherited', NOBODY]);
  });

  test('opened in no context: all that is said is taken, and nothing is inherited', () => {
    const says: Write = { says: OTHER, type: TEXT, read: 9 };
    assert.deepEqual(judge([{ says: OTHER, type: TEXT }, says, { type: TEXT, read: 9 }, says], NOBODY), [
      OTHER,
      OTHER,
      NOBODY,
      OTHER,
    ]);
    assert.deepEqual(judge([{ type: HANDSHAKE }, finished], NOBODY), [NOBODY, NOBODY]);
  });

  test('opened before anybody looked: nothing that is said is taken', () => {
    const says: Write = { says: OTHER, type: HANDSHAKE };
    assert.deepEqual(judge([says, says, finished], 'unseen'), [NOBODY, NOBODY, NOBODY]);
  });

  test("TLS 1.2: the client's key, then the server's last message, then data", () => {
    const key: Write = { type: HANDSHAKE, read: 100, at: 5n };
    const data: Write = { type: DATA, read: 200, at: 6n };
    assert.deepEqual(judge([hello, key, data, { ...data, read: 300 }]), [
      OPENER,
      'inherited',
      'inherited',
      NOBODY,
    ]);
    assert.deepEqual(judge([hello, key, { ...data, type: HANDSHAKE }]), [OPENER, 'inherited', NOBODY]);
  });

  test('for a second after the handshake, and no longer', () => {
    const at = (ns: bigint): Write => ({ type: DATA, read: 100, at: ns });
    const within = at(5n + INHERIT_NS);
    assert.deepEqual(judge([hello, finished, within, at(6n + INHERIT_NS), within]), [
      OPENER,
      'inherited',
      'inherited',
      NOBODY,
      NOBODY,
    ]);
  });
});
