import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type * as records from '../../receiver/signals/records.ts';
import type * as ownerTables from '../../receiver/decode/owners.ts';
import type * as cgroupNames from '../../receiver/decode/cgroup-names.ts';
import type * as enumNames from '../../receiver/decode/names.ts';
import type * as kernel from '../../receiver/signals/kernel.ts';
import type * as filters from '../../receiver/source/filter.ts';
import type * as unowned from '../../receiver/signals/drop/unowned.ts';

const project = join(import.meta.dirname, '..', '..');
const copy = mkdtempSync(join(tmpdir(), 'wirespan-contract-'));
after(() => rmSync(copy, { recursive: true, force: true }));

/** Another contract with the same meaning: each replacement must find its text once. */
const CHANGES: readonly (readonly [from: RegExp, to: string])[] = [
  [/(\t__u32 kind;.*\n)(\t__u32 bytes;.*\n)/, '$2$1'],
  [/EXECUTABLE_LEN\s+32/, 'EXECUTABLE_LEN 40'],
  [/name\[CGROUP_NAMES\]\[160\]/, 'name[CGROUP_NAMES][168]'],
  [/RECORD_OWNER = 1,/, 'RECORD_OWNER = 21,'],
  [/CLOSE_LOCAL_FIN = 0,\n\tCLOSE_PEER_FIN = 1,/, 'CLOSE_LOCAL_FIN = 1,\n\tCLOSE_PEER_FIN = 0,'],
  [/ROLE_CLIENT = 1,\n\tROLE_SERVER = 2,/, 'ROLE_CLIENT = 2,\n\tROLE_SERVER = 1,'],
  [/ERROR_CANCELLED = 254/, 'ERROR_CANCELLED = 251'],
  [/EMIT_TRACED = 1,/, 'EMIT_TRACED = 3,'],
  [/FILTER_RULES = 32/, 'FILTER_RULES = 24'],
  [/FILTER_V1_BIT = 2,/, 'FILTER_V1_BIT = 5,'],
  [/UNOWNED_STATE_BIT = 34,/, 'UNOWNED_STATE_BIT = 35,'],
  [/UNOWNED_SITE_BIT = 38,/, 'UNOWNED_SITE_BIT = 40,'],
];

/** The contract without what only guards the numbers that are changed here. */
function changedContract(): string {
  let text = globSync('*.h', { cwd: join(project, 'bpf/contract') })
    .map((name) => `//@ ${name}\n${readFileSync(join(project, 'bpf/contract', name), 'utf8')}`)
    .join('');
  for (const [from, to] of CHANGES) {
    assert.match(text, from);
    text = text.replace(from, to);
  }
  return text.replace(/^_Static_assert.*;$/gm, '');
}

/** A tree of its own with the changed contract, compiled and with the layouts of that. */
function makeCopy(): void {
  cpSync(join(project, 'bpf'), join(copy, 'bpf'), { recursive: true });
  cpSync(join(project, 'receiver'), join(copy, 'receiver'), { recursive: true });
  for (const name of ['semconv', 'config', 'native', 'text', 'node_modules', 'package.json'])
    symlinkSync(join(project, name), join(copy, name));
  for (const [, name = '', text = ''] of changedContract().matchAll(/\/\/@ (.*)\n([^]*?)(?=\/\/@|$)/g))
    writeFileSync(join(copy, 'bpf/contract', name), text);
  mkdirSync(join(copy, 'build'));
  execFileSync('make', ['-C', join(copy, 'bpf')], { stdio: 'pipe' });
  execFileSync(process.execPath, [join(copy, 'receiver/decode/generate.ts')], { stdio: 'pipe' });
}

async function load(path: string): Promise<unknown> {
  return import(pathToFileURL(join(copy, 'receiver', path)).href);
}

describe('user space follows the object when the contract is another', () => {
  before(makeCopy);

  test('the header of a record, its kind, the lengths of names', async () => {
    const { decodeBatch } = (await load('signals/records.ts')) as typeof records;
    const { OwnerTable } = (await load('decode/owners.ts')) as typeof ownerTables;
    const { readCgroupNames } = (await load('decode/cgroup-names.ts')) as typeof cgroupNames;
    const record = Buffer.alloc(136);
    record.writeUInt32LE(record.length, 8);
    record.writeUInt32LE(21, 12);
    record.writeUInt32LE(4711, 24);
    record.write('curl', 48);
    record.write('an executable with thirty-nine letters.', 64);
    const seen: string[] = [];
    const counters = { decoded: 0, bad: 0 };
    decodeBatch(record, new OwnerTable(1, () => false), counters, (met) => {
      if (met.kind === 'owner') seen.push(`${met.owner.command} ${met.owner.executable}`);
    });
    assert.deepEqual(seen, ['curl an executable with thirty-nine letters.']);
    assert.deepEqual(counters, { decoded: 1, bad: 0 });
    const names = Buffer.alloc(4 * 168);
    names.write('a'.repeat(167), 0);
    names.write('outer', 168);
    assert.equal(readCgroupNames(names), `/outer/${'a'.repeat(167)}`);
  });

  test('enums', async () => {
    const names = (await load('decode/names.ts')) as typeof enumNames;
    const { modeNumber } = (await load('signals/kernel.ts')) as typeof kernel;
    assert.deepEqual(names.CLOSE_REASON_NAMES.slice(0, 3), ['peer_fin', 'local_fin', 'reset_sent']);
    assert.deepEqual(names.ROLE_NAMES.slice(1, 3), ['server', 'client']);
    assert.deepEqual([254, 251].map(names.errorTypeOf), ['_OTHER', 'cancelled']);
    assert.deepEqual([modeNumber('off'), modeNumber('correlated'), modeNumber('on')], [0, 3, 2]);
  });

  test('limits and bits of the filter', async () => {
    const { FilterWriter } = (await load('source/filter.ts')) as typeof filters;
    const written: string[] = [];
    const writer = new FilterWriter({
      update: (map, key) => {
        if (map === 'filter_rules') written.push(`rule ${String(Buffer.from(key).readUInt32LE())}`);
      },
      delete: () => true,
      setVariable: (name, value) => {
        written.push(`${name} ${Buffer.from(value).readBigUInt64LE().toString(16)}`);
      },
    });
    writer.write({ include: [{ cgroupIds: [(1n << 56n) | 5n] }], exclude: [] });
    assert.deepEqual(written, ['rule 24', 'rule 25', 'filter_setup 100000023']);
    const rules = Array.from({ length: 25 }, () => ({ port: 1 }));
    assert.throws(() => writer.write({ include: rules, exclude: [] }), /at most 24 filter rules/);
  });

  test('bits of what a drop without a socket was', async () => {
    const { UnownedSums } = (await load('signals/drop/unowned.ts')) as typeof unowned;
    const { createHarness } = await import('../support/sums-harness.ts');
    const facts: string[] = [];
    const sums = new UnownedSums({
      context: createHarness({}),
      details: {
        attributes: ({ reason, state, site }: { reason: number; state: number; site: number }) => {
          facts.push(`reason ${String(reason)}, state ${String(state)}, site ${String(site)}`);
          return {};
        },
      } as never,
      delete: () => undefined,
      isLocal: () => false,
      nowMs: () => 0,
    });
    const values = Buffer.alloc(112);
    values.writeBigUInt64LE(7n | (1n << 33n) | (9n << 35n) | (77n << 40n), 48);
    values.writeBigUInt64LE(3n, 56);
    const drops = { count: 1, keys: Buffer.alloc(48), values, keySize: 48, stride: 112 };
    const listenEnds = { count: 0, keys: Buffer.alloc(0), values: Buffer.alloc(0), keySize: 24, stride: 32 };
    sums.settle({ drops, listenEnds, bank: 1, pass: 1 });
    assert.deepEqual(facts, ['reason 7, state 9, site 77']);
  });
});
