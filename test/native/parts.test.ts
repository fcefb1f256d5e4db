/** Objects so large that they are loaded in parts, side by side. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BpfSession } from '../../native/index.ts';
import { bpfDescriptors, nativeError, programsInKernel, readCounter, skip } from './probe.ts';

const PARTS_OBJECT = fileURLToPath(new URL('../../build/native/test/parts.bpf.o', import.meta.url));
const ADDERS = ['wsn_one', 'wsn_two', 'wsn_three', 'wsn_four'];
/** How often each adds its number; see parts.bpf.c. */
const NUMBERS = 3000n;
const FACTOR = 1009n;
/** More than there ever are. */
const MANY = 100;

/** An opened session with these programs. */
function open(programs: readonly string[]): BpfSession {
  const session = BpfSession.open(PARTS_OBJECT);
  for (const { name } of session.programs()) session.setAutoload(name, programs.includes(name));
  session.setVariable('cfg_factor', new Uint8Array(BigUint64Array.of(FACTOR).buffer));
  return session;
}

for (const parts of [1, 2, MANY])
  test(`in ${String(parts)} parts at most: all have the same maps, variables and constants`, { skip }, () => {
    const before = bpfDescriptors();
    const session = open(ADDERS);
    session.load(parts);
    for (const adder of ADDERS) assert.equal(session.runProgram(adder, new Uint8Array(8)), 1, adder);
    const sum = new BigUint64Array(1);
    assert.ok(session.lookup('sums', new Uint8Array(4), new Uint8Array(sum.buffer)));
    assert.equal(sum[0], NUMBERS * (1n + 2n + 3n + 4n));
    assert.equal(BigInt(readCounter(session, 'runs')), FACTOR * BigInt(ADDERS.length));
    const ids = ADDERS.map((adder) => session.programStats(adder).id);
    assert.equal(new Set(ids).size, ADDERS.length);
    assert.deepEqual(
      ids.filter((id) => !programsInKernel().includes(id)),
      [],
    );
    assert.throws(
      () => session.runProgram('wsn_small_refused', new Uint8Array(8)),
      nativeError('ERR_NATIVE_STATE'),
    );
    session.close();
    assert.equal(bpfDescriptors(), before);
  });

test('parts are as heavy as each other by the weights that programs are given', { skip }, () => {
  using session = open(ADDERS);
  session.setWeight('wsn_three', 1_000_000);
  session.load(2);
  const parts = ADDERS.map((adder) => typesOf(session.programStats(adder).id));
  const [alone] = parts.splice(ADDERS.indexOf('wsn_three'), 1);
  assert.equal(new Set(parts).size, 1);
  assert.ok(parts.every((types) => types !== alone));
  assert.throws(() => session.setWeight('wsn_three', 1), nativeError('ERR_NATIVE_STATE'));
  using opened = open(ADDERS);
  assert.throws(() => opened.setWeight('none', 1), nativeError('ERR_NATIVE_UNKNOWN', 'none'));
});

/** The object that a program came with: each has types of its own. */
function typesOf(program: number): number {
  const told = execFileSync('bpftool', ['-j', 'prog', 'show', 'id', String(program)], { encoding: 'utf8' });
  return (JSON.parse(told) as { btf_id: number }).btf_id;
}

test('a refused program of any part is named, and nothing is left', { skip }, () => {
  const before = bpfDescriptors();
  for (const refused of ['wsn_large_refused', 'wsn_small_refused']) {
    const session = open([...ADDERS, refused]);
    assert.throws(() => session.load(MANY), nativeError('ERR_NATIVE_LOAD', refused));
    assert.throws(() => session.load(), nativeError('ERR_NATIVE_STATE'));
    session.close();
  }
  assert.equal(bpfDescriptors(), before);
});

test('a load that was begun is ended by load, and nothing else is done meanwhile', { skip }, () => {
  const before = bpfDescriptors();
  const session = open(ADDERS);
  session.beginLoad(2);
  for (const early of [
    () => session.attach('wsn_one'),
    () => session.setAutoload('wsn_one', false),
    () => session.beginLoad(2),
    () => session.runProgram('wsn_one', new Uint8Array(8)),
  ])
    assert.throws(early, nativeError('ERR_NATIVE_STATE'));
  session.load();
  for (const adder of ADDERS) assert.equal(session.runProgram(adder, new Uint8Array(8)), 1, adder);
  session.close();
  assert.equal(bpfDescriptors(), before);
});

test('one that was begun and given up leaves nothing, refused or not', { skip }, () => {
  const before = bpfDescriptors();
  for (const programs of [ADDERS, [...ADDERS, 'wsn_large_refused']]) {
    const session = open(programs);
    session.beginLoad(MANY);
    session.close();
    assert.throws(() => session.load(), nativeError('ERR_NATIVE_STATE'));
  }
  assert.equal(bpfDescriptors(), before);
});

test('what is refused of one that was begun, load says', { skip }, () => {
  const session = open([...ADDERS, 'wsn_large_refused']);
  session.beginLoad(MANY);
  assert.throws(() => session.load(), nativeError('ERR_NATIVE_LOAD', 'wsn_large_refused'));
  assert.throws(() => session.beginLoad(), nativeError('ERR_NATIVE_STATE'));
  session.close();
});
