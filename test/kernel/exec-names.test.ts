/** The names that programs were started with, as the kernel keeps them, against what was given to execve(). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readExecNames, type ExecNames } from '../../receiver/decode/exec-names.ts';
import { EXEC_NAMES, LOSS_REASON, PROBE_ID } from '../../receiver/decode/generated/layout.ts';
import { isProcessAlive } from '../../receiver/host/process-start.ts';
import { u32 } from '../../receiver/source/number-bytes.ts';
import { projectFolder } from '../backends/place.ts';
import { AskedProgram } from '../support/asked-program.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';

/** As the documents say. */
const MAX_EXEC_NAMES = 2_048;

const PROGRAM = join(projectFolder, 'build/test/kernel/exec-names');
const NAME = { OTEL_SERVICE_NAME: 'shop' };
const LIST = { OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=a,b=c' };
const NAMES = { serviceName: 'shop', resourceAttributes: 'service.namespace=a,b=c' };

describe('the names that a program is started with', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;

  before(() => {
    execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'kernel')]);
    watcher = new Watcher({ execNames: true });
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  const kept = (pid: number): ExecNames | undefined => {
    const value = new Uint8Array(EXEC_NAMES.size);
    return watcher.source.lookup('exec_names', u32(pid), value) ? readExecNames(value) : undefined;
  };
  /** The names alone; what else is kept is right. */
  const namesOf = (pid: number): object | undefined => {
    const names = kept(pid);
    if (names === undefined) return undefined;
    const { startNs, execs, ...rest } = names;
    assert.ok(isProcessAlive('/proc', pid, startNs), 'the start is the process’s');
    assert.ok(execs > 0);
    return rest;
  };
  const missed = (reason: number): number =>
    watcher.source.losses()[PROBE_ID.PROBE_EXEC * LOSS_REASON.LOSS_REASONS + reason] ?? 0;
  const start = async (env: Readonly<Record<string, string>>): Promise<AskedProgram> => {
    const program = new AskedProgram([PROGRAM], env);
    cleanup.add(() => program.stop());
    await program.expect('ready');
    return program;
  };
  const namesWith = async (env: Readonly<Record<string, string>>): Promise<object | undefined> => {
    const program = await start(env);
    const names = namesOf(program.pid);
    await program.stop();
    return names;
  };

  test('are kept when it overwrites its environment, and for workers that it starts then', async () => {
    const program = await start({ ...NAME, ...LIST, SECRET: 'hunter2hunter2' });
    await program.ask('wipe', 'wiped');
    assert.ok(!readFileSync(`/proc/${program.pid}/environ`, 'latin1').includes('shop'));
    const worker = Number(await program.answer('fork'));
    for (const pid of [program.pid, worker]) assert.deepEqual(namesOf(pid), NAMES);
    await program.ask('end', 'ended');
    assert.equal(kept(worker), undefined, 'gone with the worker');
    await program.stop();
    assert.equal(kept(program.pid), undefined, 'gone with the process');
  });

  test('outlive the process that started the worker', async () => {
    const program = await start(NAME);
    const worker = Number(await program.answer('fork'));
    cleanup.add(() => process.kill(worker));
    await program.stop();
    assert.deepEqual(namesOf(worker), { serviceName: 'shop' });
  });

  test('are those of the last program in a process', async () => {
    const program = await start(NAME);
    const first = kept(program.pid);
    await program.ask('exec OTEL_SERVICE_NAME=other', 'ready');
    assert.deepEqual(namesOf(program.pid), { serviceName: 'other' });
    assert.equal(kept(program.pid)?.execs, (first?.execs ?? 0) + 1);
    await program.ask('exec A=b', 'ready');
    assert.equal(kept(program.pid), undefined);
    await program.ask('exec OTEL_SERVICE_NAME=first OTEL_SERVICE_NAME=second', 'ready');
    assert.deepEqual(namesOf(program.pid), { serviceName: 'first' });
    const child = Number(await program.answer('become A=b'));
    // The kernel gives it its command before the tracepoint of its start.
    const isSleep = (): boolean => readFileSync(`/proc/${child}/comm`, 'utf8') === 'sleep\n';
    await waitFor('a program of its own without a name of its parent', () => isSleep() && !kept(child));
    await program.ask('end', 'ended');
  });

  test('are the process’s, whichever of its threads starts the program or ends', async () => {
    const program = await start(NAME);
    await program.ask('thread OTEL_SERVICE_NAME=by-thread', 'ready');
    assert.deepEqual(namesOf(program.pid), { serviceName: 'by-thread' });
    await program.ask('leave-main', 'ready');
    await waitFor('the end of the first thread', () =>
      readFileSync(`/proc/${program.pid}/status`, 'latin1').includes('State:\tZ'),
    );
    assert.deepEqual(namesOf(program.pid), { serviceName: 'by-thread' });
  });

  test('are found wherever they are, and nowhere else', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`V${i}`, 'x'.repeat(i)]));
    assert.deepEqual(await namesWith({ ...many, ...NAME, ...LIST }), NAMES);
    const alike = {
      XOTEL_SERVICE_NAME: 'a',
      OTEL_SERVICE_NAMES: 'b',
      OTEL_SERVICE: 'c',
      OTEL_RESOURCE_ATTRIBUTE: 'd',
    };
    assert.equal(await namesWith(alike), undefined);
    // A piece of another variable that begins like one of these, at each place where a piece may begin.
    for (let before = 120; before < 132; before += 1)
      assert.equal(
        await namesWith({ X: `${'x'.repeat(before)}OTEL_SERVICE_NAME=no` }),
        undefined,
        String(before),
      );
    for (const length of [123, 124, 125, 126, 127, 252, 253, 254])
      assert.deepEqual(await namesWith({ X: 'x'.repeat(length), ...NAME }), { serviceName: 'shop' });
    assert.deepEqual(await namesWith({ OTEL_SERVICE_NAME: '' }), { serviceName: '' });
  });

  test('are whole or not kept, which is counted', async () => {
    const [name, list] = ['n'.repeat(254), 'l'.repeat(1_710)];
    const whole = { OTEL_SERVICE_NAME: name, OTEL_RESOURCE_ATTRIBUTES: list };
    const before = missed(LOSS_REASON.NAMES_TOO_LONG);
    assert.deepEqual(await namesWith(whole), { serviceName: name, resourceAttributes: list });
    assert.equal(missed(LOSS_REASON.NAMES_TOO_LONG), before);
    assert.equal(await namesWith({ ...LIST, OTEL_SERVICE_NAME: `${name}n` }), undefined);
    assert.deepEqual(await namesWith({ ...NAME, OTEL_RESOURCE_ATTRIBUTES: `${list}l` }), {
      serviceName: 'shop',
    });
    assert.equal(await namesWith({ OTEL_RESOURCE_ATTRIBUTES: `${list}l` }), undefined);
    assert.equal(missed(LOSS_REASON.NAMES_TOO_LONG), before + 3);
    const endless = Object.fromEntries(Array.from({ length: 2_100 }, (_, i) => [`V${i}`, '']));
    assert.equal(await namesWith({ ...endless, ...LIST }), undefined);
    assert.equal(missed(LOSS_REASON.NAMES_UNREADABLE), 1);
  });

  test('are kept of so many processes, and more are counted', async () => {
    const program = await start(NAME);
    const before = missed(LOSS_REASON.NAMES_NO_ROOM);
    await program.ask(`crowd ${MAX_EXEC_NAMES + 10}`, 'started');
    const over = missed(LOSS_REASON.NAMES_NO_ROOM) - before;
    // Other programs of this machine may have names too.
    assert.ok(over >= 11 && over < 500, String(over));
    assert.equal(watcher.source.read('exec_names').count, MAX_EXEC_NAMES);
    await program.ask('end', 'ended');
    assert.deepEqual(namesOf(program.pid), { serviceName: 'shop' });
    await program.stop();
    assert.ok(watcher.source.read('exec_names').count < 500, 'none stays');
  });
});
