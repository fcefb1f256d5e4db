/** A load that loses, is refused and is reset, recorded, and the page of that in a browser. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { agentArgs, cleanEnvironment, NODE_OPTIONS, runToEnd, type Ended } from '../support/agent.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { hex, PROGRAM, TcpScript } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { waitFor } from '../support/wait.ts';
import { startBrowser } from './report-page.ts';

export const NOBODY = 65_534;
/** Connections of each kind; one more is open at the end. */
export const LOAD = { closed: 23, reset: 5, open: 1, refused: 7 } as const;
const [CROWD, SENT] = [11, 5_003];
const ADDRESS = '192.0.2.7';
/** What a process may call itself: markup that would end a script, and be seen in the page. */
export const COMMAND = '<!--<script>';
const SERVICE = '</script></style><i id="broken">&lt;&amp;\u202Etest</i>';
/** As it is shown: what turns the direction of a text is not. */
export const SHOWN_SERVICE = SERVICE.replace('\u202E', '?');

/** As a user without any privilege. */
export function asNobody(...args: readonly string[]): Promise<Ended> {
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  return runToEnd('setpriv', [...user, process.execPath, ...agentArgs(...args)]);
}

/** What the load, and the kernel's counters of its namespace, know. */
export interface Truth {
  /** Trace ids of all requests. */
  readonly traces: ReadonlySet<string>;
  /** Packets that the filter dropped. */
  readonly dropped: number;
  readonly retransmitted: number;
  readonly overflows: number;
  readonly resetsSent: number;
}

/** A command of wirespan that watches until it is told that it is enough. */
export interface Watching {
  /** Ctrl-C; the exit status. */
  readonly stop: () => Promise<number | null>;
  readonly stderr: () => string;
}

export class ReportRig {
  readonly folder: string;
  readonly room: NetNamespace;
  /** The process with the name that is markup. */
  readonly client: TcpScript;
  readonly #server: TcpScript;
  readonly #cleanup: Cleanup;
  readonly #traces = new Set<string>();

  constructor(cleanup: Cleanup) {
    this.#cleanup = cleanup;
    this.folder = cleanup.makeFolder('wirespan-report-test-');
    chmodSync(this.folder, 0o777);
    this.room = new NetNamespace();
    cleanup.add(() => this.room.remove());
    this.room.exec('ip', 'address', 'add', `${ADDRESS}/32`, 'dev', 'lo');
    const program = join(this.folder, COMMAND);
    copyFileSync(PROGRAM, program);
    chmodSync(program, 0o755);
    this.client = TcpScript.start(this.room, { program, env: { OTEL_SERVICE_NAME: SERVICE } });
    cleanup.add(() => this.client.stop());
    this.#server = TcpScript.start(this.room);
    cleanup.add(() => this.#server.stop());
  }

  /** `wirespan` with these words, which sees what is in the room alone. */
  async watch(
    env: Readonly<Record<string, string>>,
    said: string,
    ...args: readonly string[]
  ): Promise<Watching> {
    const settings = join(this.folder, 'settings.yaml');
    writeFileSync(
      settings,
      `filter:\n  include:\n    - netns: ${this.room.inode}\nbpf:\n  costly_variants: on\n`,
    );
    const child = spawn(process.execPath, agentArgs(...args), {
      env: cleanEnvironment({ ...NODE_OPTIONS.environment, WIRESPAN_CONFIG: settings, ...env }),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    this.#cleanup.add(() => {
      child.kill('SIGKILL');
      return ended;
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await waitFor(`${args.join(' ')} to begin`, () => stderr.includes(said) || child.exitCode !== null);
    assert.equal(child.exitCode, null, stderr);
    const stop = (): Promise<number | null> => {
      child.kill('SIGINT');
      return ended;
    };
    return { stop, stderr: () => stderr };
  }

  /** A recording of the load, which belongs to nobody; what the load knows. */
  async record(file: string): Promise<Truth> {
    const recording = await this.watch({}, 'Ctrl-C ends it', 'record', file);
    const dropped = await this.load();
    assert.equal(await recording.stop(), 0, recording.stderr());
    chownSync(file, NOBODY, NOBODY);
    return this.truth(dropped);
  }

  truth(dropped: number): Truth {
    const counter = this.room.counters();
    return {
      ...{ traces: this.#traces, dropped },
      retransmitted: counter('TcpRetransSegs'),
      overflows: counter('TcpExtListenOverflows'),
      resetsSent: counter('TcpOutRsts'),
    };
  }

  browser(): Promise<Browser> {
    return startBrowser(this.#cleanup);
  }

  /** Returns how many packets were dropped for it. */
  async load(): Promise<number> {
    const to = await this.#server.listen('listen-any');
    this.room.filter('tcp dport != 1 meta length > 100 numgen inc mod 7 == 0 counter drop');
    for (let i = 0; i < LOAD.closed; i += 1) await this.#exchange(to, 'close');
    for (let i = 0; i < LOAD.reset; i += 1) await this.#exchange(to, 'reset');
    const dropped = this.#dropped();
    this.room.filter('tcp dport != 1 meta length > 100 numgen inc mod 2 == 0 counter drop');
    for (let i = 0; i < LOAD.open; i += 1) await this.#exchange(to);
    const droppedOpen = this.#dropped();
    this.room.filter();
    assert.ok(dropped > 3 && droppedOpen > 0, `${dropped} and ${droppedOpen} were dropped`);
    for (let i = 0; i < LOAD.refused; i += 1) {
      const socket = this.client.next();
      await this.client.run('socket', socket);
      await assert.rejects(this.client.run('connect-to', socket, ADDRESS, TcpScript.newPort()));
    }
    await this.#crowd();
    return dropped + droppedOpen;
  }

  /** More clients than an accept queue takes. */
  async #crowd(): Promise<void> {
    const { port } = await this.#server.listen('listen-any', 1);
    for (let i = 0; i < CROWD; i += 1) {
      const socket = this.client.next();
      await this.client.run('socket', socket);
      await this.client.run('try-connect', socket, port);
    }
    await waitFor('the queue to be full', () => this.room.counter('TcpExtListenOverflows') > 0);
  }

  /** A request and its answer, of which segments may be lost; `end`: the command that closes the client's socket. */
  async #exchange(to: { listener: number; port: number }, end?: string): Promise<void> {
    const [client, server] = [this.client, this.#server];
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    await client.run('connect-to', socket, ADDRESS, to.port);
    await server.run('accept', accepted, to.listener);
    const context = newContext();
    this.#traces.add(context.traceId);
    const request = requestOf(context);
    await client.run('write', socket, hex(request));
    await server.run('read', accepted, request.length);
    await server.run('fill', accepted, SENT);
    await client.run('read', socket, SENT);
    if (end === undefined) return;
    await client.run(end, socket);
    await server.run('close', accepted);
  }

  /** By the rule that is there now. */
  #dropped(): number {
    const [, packets = '0'] = /counter packets (\d+)/.exec(this.room.exec('nft', 'list', 'ruleset')) ?? [];
    return Number(packets);
  }
}
