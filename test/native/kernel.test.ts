import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';

import {
  kernelEnum,
  kernelFunctionArity,
  kernelHasType,
  monotonicToRealtime,
  possibleCpus,
  tickNs,
  probe,
  releaseKernelTypes,
} from '../../native/index.ts';
import { nativeError } from './probe.ts';

const noBtf = existsSync('/sys/kernel/btf/vmlinux') ? false : 'needs kernel BTF';

test('the probe agrees with /proc', () => {
  const answer = probe();
  assert.equal(answer.kernel, release());
  assert.equal(answer.btf, noBtf === false);
  // Each kernel that programs of ours load on has it.
  assert.equal(answer.atomics, answer.bpf);
  const status = readFileSync('/proc/self/status', 'utf8');
  const mask = BigInt(`0x${/CapEff:\s*([0-9a-f]+)/.exec(status)?.[1] ?? '0'}`);
  const has = (bit: bigint): boolean => ((mask >> bit) & 1n) === 1n;
  assert.equal(answer.capabilities.includes('CAP_BPF'), has(39n));
  assert.equal(answer.capabilities.includes('CAP_PERFMON'), has(38n));
  assert.equal(answer.capabilities.includes('CAP_NET_ADMIN'), has(12n));
  assert.equal(answer.capabilities.includes('CAP_SYS_ADMIN'), has(21n));
  assert.equal(answer.capabilities.includes('CAP_SYS_RESOURCE'), has(24n));
  assert.equal(answer.capabilities.includes('CAP_CHOWN'), has(0n));
});

test('the possible CPUs are those of sysfs', () => {
  const list = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim();
  const expected = list.split(',').reduce((sum, range) => {
    const [first = '0', last = first] = range.split('-');
    return sum + Number(last) - Number(first) + 1;
  }, 0);
  assert.equal(possibleCpus(), expected);
});

test('a tick is one of the rates that kernels are built with', () => {
  assert.ok([100, 250, 300, 1000].includes(Math.round(1e9 / tickNs())), `${tickNs()} ns`);
});

test('kernel types are found by kind and name', { skip: noBtf }, () => {
  for (let round = 0; round < 2; round += 1) {
    assert.equal(kernelHasType('struct', 'tcp_sock'), true);
    assert.equal(kernelHasType('func', 'tcp_sock'), false);
    assert.equal(kernelHasType('func', 'tcp_sendmsg'), true);
    assert.equal(kernelHasType('typedef', 'btf_trace_sys_enter'), true);
    assert.equal(kernelHasType('struct', 'wirespan_no_such_type'), false);
    assert.throws(() => kernelHasType('union' as never, 'x'), nativeError('ERR_NATIVE_ARGUMENT'));
    // sys_enter(struct pt_regs *regs, long id)
    assert.equal(kernelFunctionArity('btf_trace_sys_enter'), 2);
    assert.equal(kernelFunctionArity('btf_trace_inet_sock_set_state'), 3);
    assert.equal(kernelFunctionArity('btf_trace_none'), undefined);
    assert.equal(kernelFunctionArity('u32'), undefined);
    assert.deepEqual(kernelEnum('wirespan_no_such_enum'), {});
    const hrtimer = kernelEnum('hrtimer_restart');
    assert.deepEqual({ ...hrtimer }, { HRTIMER_NORESTART: 0, HRTIMER_RESTART: 1 });
    releaseKernelTypes();
  }
});

test('one instant on three clocks', () => {
  const before = { monotonic: process.hrtime.bigint(), real: BigInt(Date.now()) * 1_000_000n };
  const sample = monotonicToRealtime();
  const after = { monotonic: process.hrtime.bigint(), real: (BigInt(Date.now()) + 1n) * 1_000_000n };
  assert.ok(sample.monotonicNs >= before.monotonic && sample.monotonicNs <= after.monotonic);
  assert.ok(sample.realtimeNs >= before.real && sample.realtimeNs <= after.real);
  assert.ok(sample.boottimeNs + 1_000_000n >= sample.monotonicNs);
});
