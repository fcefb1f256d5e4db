/** Drives `traffic`: processes that move known amounts of payload and tell what the kernel counted. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Cleanup } from '../support/cleanup.ts';
import { workloadsFolder } from '../support/workloads.ts';

/** TCP_INFO of one socket. */
export interface KernelCounts {
  /** The SYN of a client and the FIN count one each; so do they in `bytesReceived` (the FIN alone). */
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  readonly segmentsSent: number;
  readonly segmentsReceived: number;
  /** Kernel state number; 7: closed. */
  readonly state: number;
}

/** One process and its sockets; commands run in order. */
export class TrafficProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: ((line: string | undefined) => void)[] = [];
  readonly #ended: Promise<void>;
  #rest = '';
  #sockets = 0;

  /** `prefix`: a command to start it with, which must become the program (`ip netns exec NAME`). */
  constructor(executable: string, prefix: readonly string[] = []) {
    const [command = executable, ...args] = [...prefix, executable];
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve());
      this.#child.once('close', () => resolve());
    });
    void this.#ended.then(() => {
      for (const take of this.#waiting.splice(0)) take(undefined);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** A number for one more socket. */
  next(): number {
    this.#sockets += 1;
    return this.#sockets;
  }

  /** @throws when the system call failed or the process ended */
  async run(...words: readonly (string | number)[]): Promise<number> {
    return (await this.#ask(words.join(' ')))[0] ?? 0;
  }

  async info(socket: number): Promise<KernelCounts> {
    const [bytesAcked, bytesReceived, segmentsSent, segmentsReceived, state] = await this.#ask(
      `info ${socket}`,
    );
    const counts = { bytesAcked, bytesReceived, segmentsSent, segmentsReceived, state };
    if (Object.values(counts).some((count) => count === undefined)) throw new Error('an answer is not whole');
    return counts as KernelCounts;
  }

  /** Ends the process, which closes what is open; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(timer);
  }

  async #ask(command: string): Promise<number[]> {
    const line = await new Promise<string | undefined>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${command}\n`);
    });
    const [word, ...numbers] = (line ?? 'error: it ended').split(' ');
    if (word !== 'ok') throw new Error(`traffic: '${command}' failed: ${line ?? 'it ended'}`);
    return numbers.map(Number);
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#waiting.shift()?.(line);
  }
}

/** The program under a name of the test's own, so that the test's processes can be told apart. */
export function trafficAs(cleanup: Cleanup, name: string): string {
  const path = join(cleanup.makeFolder(), name);
  copyFileSync(join(workloadsFolder, 'traffic'), path);
  return path;
}

/** One of two ends of a connection. */
export interface End {
  readonly process: TrafficProcess;
  readonly socket: number;
}

/** A connection between two processes, on a port of its own. */
export interface Pair {
  readonly client: End;
  readonly server: End;
  readonly port: number;
}

/** Ports that were had: the kernel gives one again now and then, and what is seen is told by port. */
const had = new Set<number>();

/** A listener at a port that no other of this test file had. */
async function listenAnew(
  server: TrafficProcess,
  address: string,
): Promise<[listener: number, port: number]> {
  const listener = server.next();
  const port = await server.run('listen', listener, address);
  if (!had.has(port)) {
    had.add(port);
    return [listener, port];
  }
  const next = await listenAnew(server, address);
  await server.run('close', listener);
  return next;
}

/** Connects two processes over a listener that is closed again at once; `from`: the client's address. */
export async function connectPair(
  client: TrafficProcess,
  server: TrafficProcess,
  address: string,
  from: readonly string[] = [],
): Promise<Pair> {
  const [listener, port] = await listenAnew(server, address);
  const [clientSocket, serverSocket] = [client.next(), server.next()];
  await client.run('connect', clientSocket, address, port, ...from);
  await server.run('accept', serverSocket, listener);
  await server.run('close', listener);
  return {
    client: { process: client, socket: clientSocket },
    server: { process: server, socket: serverSocket },
    port,
  };
}

/** Moves so many payload bytes from one end to the other. */
export async function move(from: End, to: End, bytes: number): Promise<void> {
  await Promise.all([
    from.process.run('send', from.socket, bytes),
    to.process.run('receive', to.socket, bytes),
  ]);
}

/** Both ends finish: the client's FIN first. Their sockets stay, closed in the kernel's eyes. */
export async function endPair({ client, server }: Pair): Promise<void> {
  const ended = client.process.run('end', client.socket);
  await server.process.run('end', server.socket);
  await ended;
}
