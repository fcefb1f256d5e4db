/** What the plan chose on the running kernel, and that each choice does its work. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NativeError, kernelFunctionArity } from '../../native/index.ts';
import { KernelSource } from '../../receiver/source/kernel-source.ts';
import { withBestPlan, type KernelAnswers, type Plan } from '../../receiver/source/plan.ts';
import { answersWithout, canLoad } from '../support/kernel-abilities.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { ALL_SIGNALS, Watcher } from '../support/watcher.ts';

for (const costlyVariants of [false, true]) {
  describe(`plan, costly variants ${costlyVariants ? 'on' : 'off'}`, () => {
    const cleanup = new Cleanup();
    let room: NetNamespace;
    let script: TcpScript;
    let watcher: Watcher;
    let plan: Plan;

    before(() => {
      ({ room, script } = TcpScript.open(cleanup));
      watcher = new Watcher({ costlyVariants, http2: true });
      cleanup.add(() => watcher.close());
      plan = watcher.source.plan;
    });
    after(() => cleanup.run());

    test('the best variant that loads', () => {
      const costly = costlyVariants ? 'sys_exit' : 'none';
      const withoutFexit = canLoad('ws_accept_kprobe') ? 'kprobe' : costly;
      const hasFexit = canLoad('ws_accept_fexit2') || canLoad('ws_accept_fexit4');
      assert.equal(plan.accept, hasFexit ? 'fexit' : withoutFexit);
      const withoutTable = canLoad('ws_pass') ? 'ws_pass' : 'ws_pass_files';
      const table = plan.accept === 'none' ? ['ws_pass_files', 'ws_pass_table'] : ['ws_pass_table'];
      assert.deepEqual(plan.iterators.pass, canLoad('ws_pass_table') ? table : [withoutTable]);
      const write = plan.attached.find(({ probe }) => probe === 'tcp_sendmsg_locked')?.program;
      const hasTracepoint = kernelFunctionArity('btf_trace_tcp_sendmsg_locked') !== undefined;
      const fentry = ['ws_write_fentry', 'ws_write_kprobe'].find(canLoad);
      assert.equal(write, hasTracepoint ? 'ws_write' : fentry);
      const http2 = plan.attached.find(({ probe }) => probe === 'http2_write')?.program;
      assert.equal(http2, hasTracepoint ? 'ws_http2' : 'ws_http2_fentry');
    });

    test('what is missing is said, and nothing else', () => {
      const missing = plan.missing.map(({ probe }) => probe);
      const seesAttempts = costlyVariants || canLoad('ws_connect_fexit');
      assert.deepEqual(missing, [
        ...(plan.accept === 'none' ? ['inet_csk_accept'] : []),
        ...(seesAttempts ? [] : ['inet_stream_connect']),
        ...(canLoad('ws_syn') ? [] : ['tcp_fastopen_cookie_check']),
      ]);
      for (const { why } of plan.missing) assert.match(why, /\w/);
    });

    test('an accept is seen by the variant, and the owner is right at the close in any', async () => {
      const { listener, port } = await script.listen();
      const [client, server] = [script.next(), script.next()];
      await script.run('socket', client);
      const localPort = await script.run('connect', client, port);
      await script.run('accept', server, listener);
      await script.run('write', server, '7979');
      await script.run('close', client);
      await script.run('close', server);
      const ofServer = watcher.connections(room.inode, port, localPort);
      const expected = plan.accept === 'none' ? ['close'] : ['accept', 'close'];
      assert.deepEqual(
        ofServer.map(({ kind, owner, role }) => [kind, owner.pid, role]),
        expected.map((kind) => [kind, script.pid, 'server']),
      );
    });

    test('a pass meets both ends of a connection that is open', async () => {
      const { listener, port } = await script.listen();
      const [client, server] = [script.next(), script.next()];
      await script.run('socket', client);
      await script.run('connect', client, port);
      await script.run('accept', server, listener);
      watcher.pass();
      const rows = watcher.series().filter((row) => row.port === port && row.pid === script.pid);
      assert.deepEqual(
        rows.map((row) => row.sum('active')),
        [1, 1],
      );
      await script.run('close', client);
      await script.run('close', server);
    });
  });
}

test('the programs that only views have load, too', () => {
  const ofPackets = ['queue', 'transmit', 'backlog', 'receive', 'tcp', 'read', 'freed', 'lost'];
  const samples = ['ws_rtt_sample', 'ws_backlog_sample'];
  const programs = [...samples, 'ws_dns_answer', ...ofPackets.map((point) => `ws_packet_${point}`)];
  for (const program of programs) assert.ok(canLoad(program), program);
});

test('what the kernel is asked without loading a program, it answers as when it is loaded', () => {
  const answers = answersWithout([], undefined);
  for (const program of ['ws_accept_kprobe', 'ws_write_kprobe', 'ws_pass_table'])
    assert.equal(answers.canLoad(program).ok, canLoad(program), program);
});

test('a program that turns out to be refused gives way to the next, and what nothing replaces is an error', () => {
  const kernel = answersWithout([], undefined);
  const plain = withBestPlan(kernel, ALL_SIGNALS, (plan) => plan);
  const hopes = ['ws_connect_fexit', 'ws_syn'];
  const learned: string[] = [];
  const answers: KernelAnswers = {
    ...kernel,
    canLoad: (program) =>
      hopes.includes(program) && !learned.includes(program) ? { ok: true } : kernel.canLoad(program),
    learn: (error) => {
      const program = kernel.learn?.(error);
      if (program !== undefined) learned.push(program);
      return program;
    },
  };
  const source = KernelSource.start(ALL_SIGNALS, answers);
  source.close();
  assert.deepEqual(
    learned.toSorted(),
    hopes.filter((program) => !canLoad(program)),
  );
  assert.deepEqual(source.plan, plain);
  const stubborn: KernelAnswers = { ...answers, canLoad: () => ({ ok: true }) };
  if (learned.length > 0)
    assert.throws(
      () => KernelSource.start(ALL_SIGNALS, stubborn),
      (error) => error instanceof NativeError && error.step === 'load program',
    );
});
