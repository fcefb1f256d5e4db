/** A view as a command: how it ends, waits, filters, and what it loads. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { agentArgs, runToEnd } from '../support/agent.ts';
import { cgroupMounts, makeCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { ProgramReader } from '../support/kernel-stats.ts';
import { hex, TcpScript } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { startView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';

const SENT = 5_003;
/** Whose changes of state are some 7 MB of lines, more than may wait for a reader, in less than the kernel's buffer. */
const BURST = 1_201;

/** A connection of this process with itself, both ends closed, the client's first. */
async function connectAndClose(script: TcpScript, listener: number, port: number): Promise<void> {
  const [socket, accepted] = [script.next(), script.next()];
  await script.run('socket', socket);
  await script.run('connect', socket, port);
  await script.run('accept', accepted, listener);
  await script.run('close', socket);
  await script.run('close', accepted);
}

describe('a view', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('ends quietly when its reader has enough', async () => {
    const { script } = TcpScript.open(cleanup);
    const view = agentArgs('tcplife', '-p', String(script.pid));
    const words = [process.execPath, ...view].map((word) => `'${word}'`).join(' ');
    const ended = runToEnd('sh', ['-c', `{ ${words}; echo "status $?" >&2; } | head -n 2`]);
    const { listener, port } = await script.listen();
    let isOver = false;
    void ended.then(() => (isOver = true));
    while (!isOver) {
      await connectAndClose(script, listener, port);
      await script.run('sleep', '-', 20);
    }
    const { stdout, stderr } = await ended;
    assert.equal(stdout.trimEnd().split('\n').length, 2);
    assert.equal(stderr, 'status 0\n');
  });

  it('loads the programs that it needs, and none for what it does not show', async () => {
    for (const [name, wanted] of [
      ['softirqs', ['ws_self', 'ws_softirq_entry', 'ws_softirq_exit']],
      ['tcprtt', ['ws_rtt_sample', 'ws_self']],
    ] as const) {
      const view = await startView(cleanup, name);
      const loaded = [...new ProgramReader(view.pid, []).read().keys()];
      assert.equal(await view.stop(), 0);
      assert.deepEqual(loaded.toSorted(), wanted);
    }
  });

  it('of sums prints what connections sent by network, live and closed ones, and at the end', async () => {
    const { script } = TcpScript.open(cleanup);
    const view = await startView(cleanup, 'tcpsubnet', '127.77.7.0/24,0.0.0.0/0', '--json');
    const { listener, port } = await script.listen('listen-any');
    for (const isClosed of [true, false]) {
      const [socket, accepted] = [script.next(), script.next()];
      await script.run('socket', socket);
      await script.run('connect-to', socket, '127.77.7.7', port);
      await script.run('accept', accepted, listener);
      await script.run('fill', socket, SENT);
      await script.run('read', accepted, SENT);
      if (isClosed) await script.run('close', socket);
    }
    const sent = (): number =>
      view
        .rows()
        .filter(({ subnet }) => subnet === '127.77.7.0/24')
        .reduce((sum, { bytes }) => sum + Number(bytes), 0);
    await waitFor('the bytes of both', () => sent() >= 2 * SENT);
    assert.equal(await view.stop(), 0);
    assert.equal(sent(), 2 * SENT);
  });

  it('of sums ends after as many intervals as it was told', async () => {
    const { code, stdout, stderr } = await runToEnd(process.execPath, agentArgs('softirqs', '1', '2', '-T'));
    assert.deepEqual([code, stderr], [0, 'wirespan softirqs: watches; Ctrl-C ends it\n']);
    const heads = stdout.match(/^\d\d:\d\d:\d\d\nSOFTIRQ +TOTAL_usecs$/gm);
    assert.equal(heads?.length, 2, stdout);
    assert.match(stdout, /^timer +\d+$/m);
  });

  it('waits for a slow reader, and leaves out nothing of what came meanwhile', async () => {
    const { script } = TcpScript.open(cleanup);
    const view = await startView(cleanup, 'tcpstates', '--json', '-p', String(script.pid));
    const { listener, port } = await script.listen();
    view.pause();
    for (let i = 0; i < BURST; i += 1) await connectAndClose(script, listener, port);
    view.resume();
    // CLOSE to LISTEN; of each client five changes, of each server four.
    const expected = 1 + 9 * BURST;
    await waitFor('every change of a state', () => view.rows().length >= expected);
    assert.equal(await view.stop(), 0);
    assert.equal(view.rows().length, expected);
    assert.equal(view.stderr(), 'wirespan tcpstates: watches; Ctrl-C ends it\n');
    const changes = new Map<string, number>();
    for (const { old_state: from, new_state: to } of view.rows()) {
      const change = `${String(from)} ${String(to)}`;
      changes.set(change, (changes.get(change) ?? 0) + 1);
    }
    assert.equal(changes.get('closed listen'), 1);
    for (const change of ['closed syn_sent', 'syn_received established', 'last_ack closed'])
      assert.equal(changes.get(change), BURST, change);
  });

  it('says that lines are missing, and fails, when nobody takes the last ones', async () => {
    const { script } = TcpScript.open(cleanup);
    const view = await startView(cleanup, 'tcpstates', '--json', '-p', String(script.pid));
    const { listener, port } = await script.listen();
    view.pause();
    for (let i = 0; i < BURST; i += 1) await connectAndClose(script, listener, port);
    const ended = view.stop();
    await waitFor('what it says of that', () => view.stderr().includes('lines are missing'));
    assert.match(
      view.stderr(),
      /: lines are missing, since standard output did not take them: nobody reads it\n$/,
    );
    view.resume();
    assert.equal(await ended, 1);
  });

  it('follows a cgroup that is made later, and shows nobody else', async () => {
    const { v2 } = cgroupMounts();
    assert.ok(v2 !== undefined);
    const { script, room } = TcpScript.open(cleanup);
    const other = TcpScript.start(room);
    cleanup.add(() => other.stop());
    const path = `/wirespan-view-${process.pid}`;
    const view = await startView(cleanup, 'tcplife', '--json', '--cgroup', path);
    const folder = makeCgroup(cleanup, v2, path);
    writeFileSync(join(folder, 'cgroup.procs'), String(script.pid));
    cleanup.add(() => script.stop());
    const [own, others] = [await script.listen(), await other.listen()];
    await waitFor('a connection of the cgroup', async () => {
      await connectAndClose(other, others.listener, others.port);
      await connectAndClose(script, own.listener, own.port);
      return view.rows().length > 0;
    });
    assert.equal(await view.stop(), 0);
    assert.deepEqual(new Set(view.rows().map(({ pid }) => pid)), new Set([script.pid]));
  });

  it('shows the processes of the container whose id begins so, and refuses an id of none or of two', async () => {
    const { v2 } = cgroupMounts();
    assert.ok(v2 !== undefined);
    const { script, room } = TcpScript.open(cleanup);
    const other = TcpScript.start(room);
    cleanup.add(() => other.stop());
    const beginning = randomBytes(6).toString('hex');
    const [id, second] = ['a', 'b'].map((digit) => beginning + digit.repeat(64 - beginning.length));
    const folder = makeCgroup(cleanup, v2, `/wirespan-view-${process.pid}/docker-${id}.scope/below`);
    writeFileSync(join(folder, 'cgroup.procs'), String(script.pid));
    cleanup.add(() => script.stop());
    const view = await startView(cleanup, 'tcplife', '--json', '--container', beginning);
    for (const process of [other, script]) {
      const { listener, port } = await process.listen();
      await connectAndClose(process, listener, port);
    }
    await waitFor('both ends', () => view.rows().length >= 2);
    assert.equal(await view.stop(), 0);
    assert.deepEqual(
      view.rows().map(({ pid }) => pid),
      [script.pid, script.pid],
    );
    makeCgroup(cleanup, v2, `/wirespan-view-${process.pid}/docker-${second}.scope`);
    const two = await runToEnd(process.execPath, agentArgs('tcplife', '--container', beginning));
    assert.deepEqual([two.code, two.stdout], [2, '']);
    assert.match(
      two.stderr,
      /--container \w+: is the beginning of 2 ids: \w{13}, \w{13}; give more digits\n$/,
    );
    const none = await runToEnd(process.execPath, agentArgs('tcplife', '--container', `${beginning}c`));
    assert.match(none.stderr, /: is the beginning of no id: no cgroup here is of such a container\n$/);
  });

  it('names the trace of the request that lost something', async () => {
    const { script, room } = TcpScript.open(cleanup);
    const pid = String(script.pid);
    const views = await Promise.all([
      startView(cleanup, 'tcpretrans', '--json', '--trace', '-p', pid),
      startView(cleanup, 'tcpdrop', '--json', '--trace', '-p', pid),
    ]);
    const { listener, port } = await script.listen();
    const [context, socket, accepted] = [newContext(), script.next(), script.next()];
    const request = requestOf(context);
    await script.run('socket', socket);
    await script.run('connect', socket, port);
    await script.run('accept', accepted, listener);
    const once = `tcp dport ${port} meta length > 100 numgen inc mod 2 == 0 counter drop`;
    for (const lose of [() => room.filter(once), () => room.filterOutput(once)]) {
      lose();
      await script.run('write', socket, hex(request));
      await script.run('read', accepted, request.length);
    }
    const { traceId, spanId } = context;
    const contexts = (rows: readonly Readonly<Record<string, unknown>>[]): unknown[] =>
      rows.map(({ trace_id: trace, span_id: span }) => [trace, span]);
    for (const view of views) {
      await waitFor('the loss', () => view.rows().length > 0);
      assert.equal(await view.stop(), 0);
      assert.deepEqual(contexts(view.rows()), [[traceId, spanId]]);
    }
  });

  it('says of a cgroup that is not there that it waits', async () => {
    const view = await startView(cleanup, 'tcplife', '--cgroup', '/nobody-made-this');
    assert.equal(await view.stop(), 0);
    assert.match(
      view.stderr(),
      /^wirespan tcplife: there is no cgroup \/nobody-made-this: nothing is shown until it is made\n$/,
    );
  });

  it('has its help, and one sentence for what it does not know', async () => {
    const run = (...args: string[]) => runToEnd(process.execPath, agentArgs(...args));
    const help = await run('tcpretrans', '--help');
    assert.deepEqual([help.code, help.stderr], [0, '']);
    assert.match(help.stdout, /^wirespan tcpretrans shows TCP segments that are sent again/);
    const wrong = await run('tcplife', '--pit', '3');
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    assert.equal(
      wrong.stderr,
      'wirespan: wirespan tcplife: --pit: is no option of it: see wirespan tcplife --help; the nearest is --pid\n',
    );
    const typo = await run('tcplive');
    assert.match(typo.stderr, /the nearest is tcplife/);
  });
});
