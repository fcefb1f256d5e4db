import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

import type { Binding } from '../../native/binding.ts';
import { BpfSession, NativeError, enableBpfStats, tryLoad } from '../../native/index.ts';
import {
  PROBE_OBJECT,
  REFUSED_OBJECT,
  bpfDescriptors,
  nativeError,
  openProbe,
  readCounter,
  skip,
  startProbe,
  trigger,
  u32,
} from './probe.ts';

const EVENTS = 1009;

test('an object tells its programs and maps before it is loaded', () => {
  using session = BpfSession.open(PROBE_OBJECT);
  const count = session.programs().find(({ name }) => name === 'wsn_count');
  assert.deepEqual(count, {
    name: 'wsn_count',
    section: 'tp_btf/sys_enter',
    type: 'tracing',
    expectedAttachType: 'trace_raw_tp',
  });
  assert.deepEqual(session.mapInfo('cells'), {
    name: 'cells',
    type: 'hash',
    keySize: 4,
    valueSize: 8,
    maxEntries: 1024,
  });
  assert.throws(() => session.mapInfo('none'), nativeError('ERR_NATIVE_UNKNOWN', 'none'));
});

test('files that are no BPF objects are refused with their path', () => {
  for (const path of ['/nonexistent/x.bpf.o', import.meta.filename, '']) {
    assert.throws(() => BpfSession.open(path), nativeError('ERR_NATIVE_OPEN', path || undefined));
  }
});

test('unknown names and wrong buffer sizes are refused', { skip }, () => {
  using session = openProbe();
  const unknown = nativeError('ERR_NATIVE_UNKNOWN', 'none');
  assert.throws(() => session.setAutoload('none', true), unknown);
  assert.throws(() => session.setMaxEntries('none', 1), unknown);
  assert.throws(() => session.setVariable('none', u32(1)), unknown);
  assert.throws(() => session.getVariable('none', u32(1)), unknown);
  assert.throws(
    () => session.setVariable('burst', new Uint8Array(5)),
    (error: unknown) => {
      assert.ok(error instanceof NativeError);
      assert.equal(error.code, 'ERR_NATIVE_SIZE');
      assert.equal(error.neededBytes, 4);
      return true;
    },
  );
  session.load();
  assert.throws(() => session.attach('none'), unknown);
  assert.throws(() => session.detach('none'), unknown);
  assert.throws(() => session.ring('none'), unknown);
  assert.throws(() => session.ring('cells'), nativeError('ERR_NATIVE_KIND', 'cells'));
  assert.throws(() => session.programStats('none'), unknown);
  const size = nativeError('ERR_NATIVE_SIZE');
  assert.throws(() => session.lookup('cells', new Uint8Array(3), new Uint8Array(8)), size);
  assert.throws(() => session.lookup('cells', new Uint8Array(4), new Uint8Array(7)), size);
  assert.throws(() => session.lookup('slots', new Uint8Array(4), new Uint8Array(8 - 1)), size);
  assert.throws(() => session.update('cells', new Uint8Array(4), new Uint8Array(9)), size);
  assert.throws(() => session.delete('cells', new Uint8Array(5)), size);
});

test('arguments of the wrong type are refused by the addon', () => {
  using session = BpfSession.open(PROBE_OBJECT);
  const wrong = nativeError('ERR_NATIVE_ARGUMENT');
  const any = (value: unknown): never => value as never;
  assert.throws(() => BpfSession.open(any(7)), wrong);
  assert.throws(() => BpfSession.open('a\0b'), wrong);
  assert.throws(() => session.setAutoload('wsn_count', any(1)), wrong);
  assert.throws(() => session.setVariable('burst', any(new Uint32Array(1))), wrong);
  assert.throws(() => session.setVariable('burst', any([1, 0, 0, 0])), wrong);
  for (const count of [-1, 0.5, 2 ** 32, Number.NaN, '4096']) {
    assert.throws(() => session.setMaxEntries('records', any(count)), wrong);
  }
});

test('a handle of another kind is refused by its type tag', { skip }, () => {
  using session = openProbe();
  session.load();
  const addon = createRequire(import.meta.url)('../../build/native/wirespan.node') as Binding;
  const raw = addon.open(PROBE_OBJECT);
  addon.load(raw, 1);
  const ring = addon.ring(raw, 'records');
  const wrong = nativeError('ERR_NATIVE_ARGUMENT');
  assert.throws(() => addon.close(ring), wrong);
  assert.throws(() => addon.drain(raw, new Uint8Array(64)), wrong);
  for (const forged of [{}, undefined, 1, session] as never[]) {
    assert.throws(() => addon.close(forged), wrong);
    assert.throws(() => addon.closeRing(forged), wrong);
    assert.throws(() => addon.disableStats(forged), wrong);
  }
  addon.closeRing(ring);
  addon.close(raw);
});

test('each step is refused in the wrong state', { skip }, () => {
  const state = nativeError('ERR_NATIVE_STATE');
  using session = openProbe();
  assert.throws(() => session.attach('wsn_count'), state);
  assert.throws(() => session.ring('records'), state);
  assert.throws(() => session.lookup('cells', new Uint8Array(4), new Uint8Array(8)), state);
  session.setAutoload('wsn_cgroup', false);
  session.load();
  assert.throws(() => session.load(), state);
  assert.throws(() => session.setAutoload('wsn_count', false), state);
  assert.throws(() => session.setMaxEntries('cells', 7), state);
  assert.throws(() => session.setVariable('cfg_tgid', u32(1)), state);
  assert.throws(() => session.attachCgroup('wsn_cgroup', '/'), state);
  session.attach('wsn_count');
  assert.throws(() => session.attach('wsn_count'), state);
  session.close();
  session.close();
  for (const use of [
    () => session.programs(),
    () => session.maps(),
    () => session.load(),
    () => session.attach('wsn_count'),
    () => session.detach('wsn_count'),
    () => session.setVariable('burst', u32(1)),
    () => session.getVariable('burst', u32(1)),
    () => session.ring('records'),
    () => session.runIterator('wsn_tasks', new Uint8Array(8)),
    () => session.lookupBatch('cells', new Uint8Array(4), new Uint8Array(8)),
    () => session.mapId('cells'),
  ]) {
    assert.throws(use, state);
  }
});

test('variables of .rodata, .data and .bss hold what is written, before and after load', { skip }, () => {
  using session = openProbe({ burst: 3 });
  const value = new Uint8Array(4);
  session.getVariable('cfg_tgid', value);
  assert.deepEqual(value, u32(process.pid));
  session.load();
  session.getVariable('cfg_tgid', value);
  assert.deepEqual(value, u32(process.pid));
  session.getVariable('burst', value);
  assert.deepEqual(value, u32(3));
  session.attach('wsn_count');
  trigger(EVENTS);
  assert.equal(readCounter(session, 'events'), EVENTS);
  assert.equal(readCounter(session, 'sequence'), 3 * EVENTS);
  session.setVariable('burst', u32(5));
  trigger(7);
  assert.equal(readCounter(session, 'sequence'), 3 * EVENTS + 5 * 7);
  session.detach('wsn_count');
  session.detach('wsn_count');
  trigger(EVENTS);
  assert.equal(readCounter(session, 'events'), EVENTS + 7);
  session.attach('wsn_count');
  trigger(11);
  assert.equal(readCounter(session, 'events'), EVENTS + 18);
});

test('a refused program is named, with the errno and the log of the verifier', { skip }, () => {
  using session = BpfSession.open(REFUSED_OBJECT);
  session.setAutoload('wsn_absent', false);
  assert.throws(
    () => session.load(),
    (error: unknown) => {
      assert.ok(error instanceof NativeError);
      assert.equal(error.code, 'ERR_NATIVE_LOAD');
      assert.equal(error.object, 'wsn_refused');
      assert.equal(error.errno, 13);
      assert.match(error.verifierLog ?? '', /invalid access to map value/);
      assert.match(error.verifierLog ?? '', /processed \d+ insns/);
      return true;
    },
  );
  assert.throws(() => session.load(), nativeError('ERR_NATIVE_STATE'));
  assert.throws(() => session.attach('wsn_accepted'), nativeError('ERR_NATIVE_STATE'));
});

test("tryLoad answers for one program, and throws for what is not the kernel's answer", { skip }, () => {
  assert.deepEqual(tryLoad(REFUSED_OBJECT, 'wsn_accepted'), { ok: true });
  assert.deepEqual(tryLoad(PROBE_OBJECT, 'wsn_count'), { ok: true });
  assert.deepEqual(tryLoad(PROBE_OBJECT, 'wsn_tasks'), { ok: true });
  const refused = tryLoad(REFUSED_OBJECT, 'wsn_refused');
  assert.ok(!refused.ok);
  assert.equal(refused.errno, 13);
  assert.match(refused.log, /invalid access to map value/);
  const absent = tryLoad(REFUSED_OBJECT, 'wsn_absent');
  assert.ok(!absent.ok);
  assert.notEqual(absent.errno, 0);
  assert.match(absent.log, /wsn_no_such_function/);
  assert.throws(() => tryLoad(REFUSED_OBJECT, 'none'), nativeError('ERR_NATIVE_UNKNOWN', 'none'));
  assert.throws(() => tryLoad('/nonexistent', 'none'), nativeError('ERR_NATIVE_OPEN'));
});

test('a hook answers as its program does, and nothing stays there', { skip }, () => {
  using probe = BpfSession.open(PROBE_OBJECT);
  using refused = BpfSession.open(REFUSED_OBJECT);
  const before = bpfDescriptors();
  assert.deepEqual(probe.tryHook('wsn_count'), { ok: true });
  assert.deepEqual(probe.tryHook('wsn_tasks'), { ok: true });
  // What the program holds is not asked for.
  assert.deepEqual(refused.tryHook('wsn_refused'), { ok: true });
  const cells = tryLoad(PROBE_OBJECT, 'wsn_cells');
  assert.deepEqual(probe.tryHook('wsn_cells'), cells.ok ? cells : { ...cells, log: '' });
  // A module may have the function; a system call's program has no hook; a cgroup's needs the cgroup.
  assert.equal(refused.tryHook('wsn_absent'), undefined);
  assert.equal(probe.tryHook('wsn_sum'), undefined);
  assert.equal(probe.tryHook('wsn_cgroup'), undefined);
  assert.throws(() => probe.tryHook('none'), nativeError('ERR_NATIVE_UNKNOWN', 'none'));
  assert.equal(bpfDescriptors(), before);
});

test('the kernel counts the runs of a program while its statistics are on', { skip }, () => {
  using session = startProbe();
  const stats = enableBpfStats();
  const before = session.programStats('wsn_count');
  trigger(EVENTS);
  const after = session.programStats('wsn_count');
  stats.close();
  stats.close();
  assert.ok(after.runs - before.runs >= BigInt(EVENTS), `${after.runs - before.runs} runs`);
  assert.ok(after.runTimeNs > before.runTimeNs);
  assert.ok(after.verifiedInsns > 0 && after.jitedLength > 0 && after.id > 0);
});

test('a cgroup program attaches to a cgroup v2 directory and to nothing else', { skip }, (context) => {
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .find((line) => line.split(' ')[2] === 'cgroup2');
  if (mount === undefined) return context.skip('needs a cgroup v2 mount');
  const directory = join(mount.split(' ')[1] ?? '', `wirespan-test-${process.pid}`);
  using session = openProbe();
  session.load();
  mkdirSync(directory);
  try {
    session.attachCgroup('wsn_cgroup', directory);
    session.detach('wsn_cgroup');
    assert.throws(() => session.attachCgroup('wsn_cgroup', '/nonexistent'), nativeError('ERR_NATIVE_ATTACH'));
    assert.throws(
      () => session.attachCgroup('wsn_cgroup', '/proc'),
      nativeError('ERR_NATIVE_ATTACH', 'wsn_cgroup'),
    );
    assert.throws(
      () => session.attachCgroup('wsn_count', directory),
      nativeError('ERR_NATIVE_KIND', 'wsn_count'),
    );
  } finally {
    rmdirSync(directory);
  }
});
