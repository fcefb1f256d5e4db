/** Drives `tcp-script`: sockets that do exactly what a test says. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { projectFolder } from '../backends/place.ts';
import type { Cleanup } from './cleanup.ts';
import { NetNamespace } from './net-namespace.ts';

/** The built program. */
export const PROGRAM = join(projectFolder, 'build', 'test', 'kernel', 'tcp-script');

/** A command answered `error`; `errno` is the kernel's. */
export class ScriptError extends Error {
  readonly errno: number;
  constructor(command: string, errno: number) {
    super(`tcp-script: '${command.slice(0, 60)}' failed with errno ${errno}`);
    this.errno = errno;
  }
}

interface ScriptOptions {
  readonly cgroup?: string | undefined;
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

interface Waiting {
  readonly command: string;
  readonly resolve: (value: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Listeners have ports in turn, so that none comes again: what is seen is told by port. They are below the ephemeral
 * ones (`ip_local_port_range`) and above those of `hog`.
 */
const [FIRST_PORT, END_PORT] = [22_100, 32_768];
let nextPort = FIRST_PORT;

/** One process and its sockets; commands run in order. */
export class TcpScript {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: Waiting[] = [];
  readonly #ended: Promise<void>;
  /** Numbers of sockets that were closed: the program has no more than 4,095 at once. */
  readonly #free: number[] = [];
  #rest = '';
  #sockets = 0;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
    child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      child.once('close', () => {
        for (const { command, reject } of this.#waiting.splice(0))
          reject(new Error(`tcp-script ended before it answered '${command.slice(0, 60)}'`));
        resolve();
      });
    });
  }

  /**
   * Builds it when needed, and starts it in the room's namespace and control group. `cgroup`: the folder of
   * another group; `program`: a copy of it, whose name is then its command's; `env`: added to the environment;
   * `uid`: the user who runs it.
   */
  static start(
    room: NetNamespace,
    { cgroup = room.cgroup, program = PROGRAM, env = {}, uid }: ScriptOptions = {},
  ): TcpScript {
    execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'kernel')]);
    const user = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, '--clear-groups'];
    const child = spawn('ip', ['netns', 'exec', room.name, ...user, program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    if (cgroup !== undefined) writeFileSync(join(cgroup, 'cgroup.procs'), String(child.pid));
    return new TcpScript(child);
  }

  /** One in a room of its own; both go with the test. */
  static open(cleanup: Cleanup): { readonly room: NetNamespace; readonly script: TcpScript } {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const script = TcpScript.start(room);
    cleanup.add(() => script.stop());
    return { room, script };
  }

  /** Two in one room, which go with the test. */
  static openPair(cleanup: Cleanup): {
    readonly room: NetNamespace;
    readonly client: TcpScript;
    readonly server: TcpScript;
  } {
    const { room, script: client } = TcpScript.open(cleanup);
    const server = TcpScript.start(room);
    cleanup.add(() => server.stop());
    return { room, client, server };
  }

  /** `ip netns exec` becomes the program itself. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** A number for one more socket. */
  next(): number {
    const free = this.#free.shift();
    if (free !== undefined) return free;
    this.#sockets += 1;
    return this.#sockets;
  }

  /** @throws ScriptError when the system call failed */
  async run(...words: readonly (string | number)[]): Promise<number> {
    const command = words.join(' ');
    const answer = await new Promise<number>((resolve, reject) => {
      this.#waiting.push({ command, resolve, reject });
      this.#child.stdin.write(`${command}\n`);
    });
    if (words[0] === 'close') this.#free.push(Number(words[1]));
    return answer;
  }

  /** A port that none of this process's tests had. */
  static newPort(): number {
    const port = nextPort;
    nextPort += 1;
    if (nextPort === END_PORT) throw new Error('no more ports for sockets of tests');
    return port;
  }

  /** A listener and its port, which no listener of this process's tests had. */
  async listen(
    command: 'listen' | 'listen6' | 'listen-any' | 'listen-any6' | 'listen-mptcp' = 'listen',
    backlog = 127,
  ): Promise<{ listener: number; port: number }> {
    const [listener, port] = [this.next(), TcpScript.newPort()];
    await this.run(command, listener, backlog, port);
    return { listener, port };
  }

  /** Ends the process, which closes what is open; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(timer);
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const waiting = this.#waiting.shift();
      const [word, number] = line.split(' ');
      if (word === 'ok') waiting?.resolve(Number(number));
      else waiting?.reject(new ScriptError(waiting.command, Number(number)));
    }
  }
}

/** Hexadecimal of text as it goes over the wire. */
export function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}
