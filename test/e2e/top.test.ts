/** `wirespan top` on a real terminal: keys are pressed, the screen is read, the terminal is as it was. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runToEnd, agentArgs } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { commandLine, Tmux } from './tmux.ts';

const [SENT, AGAIN, ANSWERED] = [30_011, 1_009, 5_003];
/** So many packets with data are lost, then one passes. */
const LOST = 2;
const COLOUR = /\x1b\[(?:\d+;)*(?:3\d|4\d|9\d|10\d)(?:;\d+)*m/;

/** Two processes in a room of their own, and connections between them. */
class Stage {
  readonly room = new NetNamespace();
  readonly client: TcpScript;
  readonly server: TcpScript;

  constructor(cleanup: Cleanup) {
    cleanup.add(() => this.room.remove());
    this.client = TcpScript.start(this.room);
    cleanup.add(() => this.client.stop());
    this.server = TcpScript.start(this.room);
    cleanup.add(() => this.server.stop());
  }

  async connect(): Promise<Connection> {
    const { client, server } = this;
    const { listener, port } = await server.listen();
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    const local = await client.run('connect', socket, port);
    await server.run('accept', accepted, listener);
    return {
      port,
      local,
      send: async (bytes) => {
        await client.run('fill', socket, bytes);
        await server.run('read', accepted, bytes);
      },
      answer: async (bytes) => {
        await server.run('fill', accepted, bytes);
        await client.run('read', socket, bytes);
      },
      close: async () => {
        await client.run('close', socket);
        await server.run('close', accepted);
      },
    };
  }
}

interface Connection {
  readonly port: number;
  readonly local: number;
  send(bytes: number): Promise<void>;
  answer(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** A line of the screen by its heading, without it. */
function detail(screen: string, heading: string): string {
  const line = screen.split('\n').find((text) => text.startsWith(heading));
  return line?.slice(heading.length).trim() ?? '';
}

describe('wirespan top', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('shows connections with their bytes, retransmits and states, and finds, sorts and opens them', async () => {
    const stage = new Stage(cleanup);
    const [older, other] = [await stage.connect(), await stage.connect()];
    await older.send(SENT);
    await other.send(AGAIN);
    const { pid } = stage.client;
    const tmux = new Tmux(cleanup, { width: 80, height: 24 });
    tmux.enter(commandLine(['top', '-d', '0.5', '-p', String(pid)]));
    // What was there before is there at once, and moves nothing.
    const first = await tmux.shows(new RegExp(`${older.local} .*${older.port} ESTAB +0 +0 `));
    assert.match(first, new RegExp(`${other.local} .*${other.port} ESTAB +0 +0 `));
    assert.match(first, /^wirespan \d\d:\d\d:\d\d {2}connections 2 {2}sent 0\/s/);
    assert.ok(tmux.isTaken && !tmux.hasCursor);
    assert.ok(tmux.screen().every((line) => [...line].length <= 80));
    const lossy = await stage.connect();
    await lossy.send(SENT);
    await lossy.answer(ANSWERED);
    stage.room.filter(
      `tcp dport ${lossy.port} meta length > 100 numgen inc mod ${LOST + 1} != ${LOST} counter drop`,
    );
    const before = stage.room.counter('TcpRetransSegs');
    await lossy.send(AGAIN);
    const resent = stage.room.counter('TcpRetransSegs') - before;
    assert.ok(resent >= LOST);
    // The one that lost most is first, by the column's letter; a filter leaves it alone.
    tmux.press('X');
    await tmux.shows(new RegExp(`REMOTE.*RETRv.*\n.*:${lossy.local} .*:${lossy.port} .* ${resent}\n`));
    tmux.press('/');
    tmux.type(`:${lossy.port}`);
    await tmux.shows(/\/:\d+_ {2}Enter/);
    tmux.press('Enter');
    const filtered = await tmux.shows(/rows/);
    assert.doesNotMatch(filtered, new RegExp(`:${older.port} `));
    tmux.press('Enter');
    // The state comes with its record, bytes with an interval.
    const open = await tmux.shows(
      new RegExp(`^Sent +${SENT + AGAIN} bytes, [^]*^States +SYN_SENT +from`, 'm'),
    );
    assert.equal(detail(open, 'Local'), `127.0.0.1:${lossy.local}`);
    assert.equal(detail(open, 'Remote'), `127.0.0.1:${lossy.port}`);
    assert.equal(detail(open, 'Process'), `${pid} tcp-script, executable tcp-script`);
    assert.match(detail(open, 'Sent'), new RegExp(`^${SENT + AGAIN} bytes, `));
    assert.match(detail(open, 'Received'), new RegExp(`^${ANSWERED} bytes, `));
    assert.match(detail(open, 'Retransmits'), new RegExp(`^${resent} segments, `));
    await lossy.close();
    const closed = await tmux.shows(/CLOSE +from/);
    const states = closed.split('\n').flatMap((line) => / ([A-Z_0-9]+) +from \d\d:/.exec(line)?.[1] ?? []);
    assert.deepEqual(states, ['SYN_SENT', 'ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE']);
    tmux.press('Escape');
    await tmux.shows(/PID COMMAND/);
    tmux.press('Escape');
    await tmux.shows(new RegExp(`:${other.port} `));
    tmux.press('2');
    const processes = await tmux.shows(new RegExp(`${pid} tcp-script`));
    assert.match(processes, new RegExp(`${pid} tcp-script +2 `));
    tmux.press('q');
    await tmux.given();
    assert.ok(!tmux.isTaken && tmux.hasCursor);
  });

  it('has more columns when the terminal gets wider, and is redrawn', async () => {
    const stage = new Stage(cleanup);
    const connection = await stage.connect();
    const tmux = new Tmux(cleanup, { width: 80, height: 24 });
    tmux.enter(commandLine(['top', '-D', String(connection.port)]));
    const narrow = await tmux.shows(new RegExp(`:${connection.local} `));
    assert.doesNotMatch(narrow, /BYTES\/S/);
    await connection.send(SENT);
    tmux.resize(200, 50);
    const wide = await tmux.shows(/PID .* SENT +RECV +BYTES\/S +RTTS +RETRS/);
    assert.ok(wide.split('\n').length >= 49);
    // 29.3 KiB at once, and the line of its rate is as high as it gets.
    await tmux.shows(new RegExp(`:${connection.local} .* 29\\.3K .*█`));
    tmux.press('q');
    await tmux.given();
  });

  it('gives the terminal back after q, Ctrl-C, signals and a crash', async () => {
    const folder = cleanup.makeFolder();
    const crash = join(folder, 'crash.mjs');
    writeFileSync(crash, "process.on('SIGUSR2', () => { throw new Error('on purpose'); });\n");
    const tmux = new Tmux(cleanup, { width: 80, height: 24 });
    const before = await tmux.settings(folder, 'before');
    const ends: Readonly<
      Record<string, readonly [end: (pid: number) => void, status: number, words?: RegExp]>
    > = {
      q: [() => tmux.press('q'), 0],
      'ctrl-c': [() => tmux.press('C-c'), 0],
      term: [(pid) => process.kill(pid, 'SIGTERM'), 0],
      hup: [(pid) => process.kill(pid, 'SIGHUP'), 0],
      crash: [(pid) => process.kill(pid, 'SIGUSR2'), 1, /Error: on purpose/],
    };
    for (const [name, [end, status, words]] of Object.entries(ends)) {
      const pidFile = join(folder, `${name}.pid`);
      tmux.enter('clear');
      tmux.enter(
        `(echo $BASHPID > ${pidFile}; exec ${commandLine(['top'], ['--import', crash])}); echo status=$?`,
      );
      await tmux.shows(/^\[1 Connections\]/m);
      assert.ok(tmux.isTaken, name);
      end(Number(readFileSync(pidFile, 'utf8')));
      const left = await tmux.shows(/^status=\d+$/m);
      assert.match(left, new RegExp(`^status=${status}$`, 'm'), name);
      if (words !== undefined) assert.match(left, words);
      assert.ok(!tmux.isTaken && tmux.hasCursor, name);
      assert.equal(await tmux.settings(folder, name), before, name);
    }
  });

  it('stands still with Ctrl-Z and goes on with fg', async () => {
    const folder = cleanup.makeFolder();
    const tmux = new Tmux(cleanup, { width: 80, height: 24 });
    const before = await tmux.settings(folder, 'before');
    tmux.enter(commandLine(['top']));
    await tmux.shows(/^\[1 Connections\]/m);
    tmux.press('C-z');
    await tmux.shows(/Stopped/);
    assert.ok(!tmux.isTaken && tmux.hasCursor);
    assert.equal(await tmux.settings(folder, 'stopped'), before);
    tmux.enter('fg');
    await tmux.shows(/^\[1 Connections\]/m);
    assert.ok(tmux.isTaken && !tmux.hasCursor);
    // Keys come one by one again.
    tmux.press('2');
    await tmux.shows(/\[2 Processes\]/);
    tmux.press('q');
    await tmux.given();
    assert.equal(await tmux.settings(folder, 'after'), before);
  });

  it('has colours, and none with NO_COLOR', async () => {
    const logs: Record<string, string> = {};
    for (const [name, env] of Object.entries({ with: {}, without: { NO_COLOR: '1' } })) {
      const tmux = new Tmux(cleanup, { width: 80, height: 24, env });
      tmux.enter(commandLine(['top', '-n', '2', '-d', '0.5']));
      await tmux.shows(/^\[1 Connections\]/m);
      await waitFor('its end', () => !tmux.isTaken);
      logs[name] = readFileSync(tmux.log, 'utf8');
    }
    assert.match(logs['with'] ?? '', COLOUR);
    assert.match(logs['without'] ?? '', /\x1b\[[\d;]*7m/);
    assert.doesNotMatch(logs['without'] ?? '', COLOUR);
  });

  it('says what to use instead where there is no terminal, and takes no options that make no sense', async () => {
    const says = async (...words: readonly string[]): Promise<unknown[]> => {
      const { code, stdout, stderr } = await runToEnd(process.execPath, agentArgs(...words));
      return [code, stdout, stderr];
    };
    const instead = 'use wirespan tcptop, or wirespan tcptop --json for programs';
    assert.deepEqual(await says('top'), [
      2,
      '',
      `wirespan: wirespan top: standard output: is no terminal: ${instead}\n`,
    ]);
    assert.deepEqual(await says('top', '--json'), [
      2,
      '',
      `wirespan: wirespan top: --json: does not go with a whole terminal: ${instead}\n`,
    ]);
    const [code, help] = await says('top', '--help');
    assert.equal(code, 0);
    assert.match(String(help), /-d, --delay SECONDS/);
  });
});
