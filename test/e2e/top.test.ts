/** `wirespan top` on a real terminal: keys are pressed, the screen is read, the terminal is as it was. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { cgroupMounts, makeCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { hex, TcpScript } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { commandLine, Tmux } from './tmux.ts';

const [SENT, AGAIN, ANSWERED] = [30_011, 1_009, 5_003];
/** So many packets with data are lost, then one passes. */
const LOST = 2;
const [BACKLOG, WAITING] = [11, 3];

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
      socket,
      accepted,
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
  readonly socket: number;
  readonly accepted: number;
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
    await tmux.shows(new RegExp(`/:${lossy.port}_ {2}Enter`));
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

  it('shows containers with their processes, listeners with their queues, and traces of requests', async () => {
    const stage = new Stage(cleanup);
    const { client, server } = stage;
    const { v2 } = cgroupMounts();
    assert.ok(v2 !== undefined);
    const id = randomBytes(32).toString('hex');
    const folder = makeCgroup(cleanup, v2, `/wirespan-top-${process.pid}/docker-${id}.scope`);
    for (const { pid } of [client, server]) writeFileSync(join(folder, 'cgroup.procs'), String(pid));
    cleanup.add(() => Promise.all([client.stop(), server.stop()]));
    const tmux = new Tmux(cleanup, { width: 200, height: 50 });
    tmux.enter(commandLine(['top', '-d', '0.5', '--trace', '--container', id.slice(0, 12)]));
    await tmux.shows(/^\[1 Connections\]/m);
    const connection = await stage.connect();
    const context = newContext();
    const request = requestOf(context);
    await client.run('write', connection.socket, hex(request));
    await server.run('read', connection.accepted, request.length);
    await connection.answer(ANSWERED);
    await client.run('write', connection.socket, hex(requestOf(newContext())));
    // These wait to be accepted.
    const { port } = await server.listen('listen', BACKLOG);
    for (let i = 0; i < WAITING; i += 1) {
      const socket = client.next();
      await client.run('socket', socket);
      await client.run('connect', socket, port);
    }
    tmux.type(`/:${connection.local}`);
    tmux.press('Enter');
    await tmux.shows(new RegExp(`${client.pid} tcp-script .*:${connection.local} .*:${connection.port} `));
    tmux.press('P');
    tmux.press(client.pid > server.pid ? 'Home' : 'End');
    tmux.press('Enter');
    const traced = await tmux.shows(/^Traces/m);
    assert.equal(detail(traced, 'Traces'), context.traceId);
    assert.equal(detail(traced, 'Container'), id);
    assert.equal(detail(traced, 'Control group'), folder.slice(v2.length));
    tmux.press('Escape');
    await tmux.shows(/PID/);
    tmux.press('Escape');
    tmux.press('3');
    const open = 2 + WAITING * 2;
    await tmux.shows(new RegExp(`^${id.slice(0, 12)} +2 +${open} `, 'm'));
    tmux.press('Enter');
    const container = await tmux.shows(/^Processes/m);
    assert.equal(detail(container, 'Container'), id);
    assert.match(detail(container, 'Processes'), /^2 with connections; one is \d+ tcp-script, /);
    tmux.press('4');
    const listeners = await tmux.shows(
      new RegExp(`${server.pid} tcp-script 127\\.0\\.0\\.1:${port} +${WAITING} +${BACKLOG} +0 `),
    );
    assert.match(listeners, new RegExp(`127\\.0\\.0\\.1:${connection.port} +0 +127 +0 `));
    tmux.press('q');
    await tmux.given();
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
});
