/** `wirespan tcptop` as a command: every byte of connections that are older, live on, or end meanwhile. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { startView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';

const [BEFORE, SENT, AGAIN, ANSWERED] = [40_009, 30_011, 20_021, 5_003];

describe('tcptop', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('counts what each connection moved since it began, once, and nothing of before', async () => {
    const { script, room } = TcpScript.open(cleanup);
    const other = TcpScript.start(room);
    cleanup.add(() => other.stop());
    const connect = async (address: '127.0.0.1' | '::1') => {
      const { listener, port } = await other.listen(address === '::1' ? 'listen6' : 'listen');
      const [socket, accepted] = [script.next(), other.next()];
      await script.run(address === '::1' ? 'socket6' : 'socket', socket);
      const local = await script.run('connect', socket, port);
      await other.run('accept', accepted, listener);
      const send = async (bytes: number): Promise<void> => {
        await script.run('fill', socket, bytes);
        await other.run('read', accepted, bytes);
      };
      const answer = async (): Promise<void> => {
        await other.run('fill', accepted, ANSWERED);
        await script.run('read', socket, ANSWERED);
      };
      const close = async (): Promise<void> => {
        await script.run('close', socket);
        await other.run('close', accepted);
      };
      return { local, port, send, answer, close };
    };
    const older = await connect('127.0.0.1');
    await older.send(BEFORE);
    const idle = await connect('127.0.0.1');
    await idle.send(BEFORE);
    const view = await startView(cleanup, 'tcptop', '--json', '-p', String(script.pid));
    const table = await startView(
      cleanup,
      'tcptop',
      '-S',
      '-D',
      String(older.port),
      '-p',
      String(script.pid),
    );
    const moved = (port: number): unknown[] => {
      const rows = view.rows().filter(({ local_port: local }) => local === port);
      const sum = (field: string): number => rows.reduce((all, row) => all + Number(row[field]), 0);
      return [sum('bytes_sent'), sum('bytes_received')];
    };
    const isShown = (port: number) => (): boolean => view.rows().some((row) => row['local_port'] === port);
    await older.send(SENT);
    await older.answer();
    const lives = await connect('::1');
    await lives.send(SENT);
    await waitFor('both', () => isShown(older.local)() && isShown(lives.local)());
    await older.send(AGAIN);
    await older.close();
    await lives.send(AGAIN);
    const brief = await connect('127.0.0.1');
    await brief.send(SENT);
    await brief.close();
    for (const running of [view, table]) assert.equal(await running.stop(), 0);
    assert.deepEqual(moved(older.local), [SENT + AGAIN, ANSWERED]);
    assert.deepEqual(moved(lives.local), [SENT + AGAIN, 0]);
    assert.deepEqual(moved(brief.local), [SENT, 0]);
    assert.ok(!isShown(idle.local)());
    assert.deepEqual(new Set(view.rows().map(({ pid }) => pid)), new Set([script.pid]));
    assert.equal(view.stderr(), 'wirespan tcptop: watches; Ctrl-C ends it\n');
    // A pipe is not cleared.
    const lines = table
      .stdout()
      .split('\n')
      .filter((text) => text !== '');
    const rows = lines.filter((text) => !text.startsWith('PID'));
    assert.equal(lines[0], 'PID    COMM         LADDR                 RADDR                  RX_KB  TX_KB');
    const ends = `${script.pid} tcp-script 127.0.0.1:${older.local} 127.0.0.1:${older.port}`;
    for (const row of rows) assert.match(row.replace(/ +/g, ' '), new RegExp(`^${ends} \\d+ \\d+$`));
    assert.ok(rows.length > 0);
  });
});
