import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A back end that runs. */
export interface RunningBackEnd {
  readonly pid: number;
  /** Ends it in order, after ten seconds with SIGKILL. Resolves when it is gone; again is fine. */
  readonly stop: () => Promise<void>;
  /** Ends it at once, as a crash would. Resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** The last of what it wrote, stdout and stderr together. */
  readonly log: () => string;
}

/** What is started and when it is ready. */
export interface BackEndOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folder it runs in; default: the caller's. */
  readonly cwd?: string;
  /** A command that becomes the program, such as `setpriv …`. */
  readonly launcher?: readonly string[];
  /** In a group of processes of its own: the terminal's Ctrl-C does not reach it. */
  readonly isApart?: boolean;
  /** Ends what is not ready yet. */
  readonly signal?: AbortSignal;
  /** What ends it in order; default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Polled, with what it wrote, until it resolves to true; a rejection means not yet. */
  readonly isReady: (log: string) => Promise<boolean> | boolean;
  /** How long it may take to be ready, milliseconds; 30,000 when left out. */
  readonly readyWithinMs?: number;
}

const LOG_CHARACTERS = 200_000;
const KILL_AFTER_MS = 10_000;

/** Starts a program and waits until it is ready. Rejects, with the end of its log, when it is not in time or ends. */
export async function startBackEnd(options: BackEndOptions): Promise<RunningBackEnd> {
  const [command = '', ...args] = [...(options.launcher ?? []), options.command, ...options.args];
  const child = spawn(command, args, {
    cwd: options.cwd,
    detached: options.isApart === true,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = keepLog(child);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  // The tests must not leave it behind when they die before they stop it.
  const onExit = (): void => void child.kill('SIGKILL');
  process.once('exit', onExit);
  void ended.then(() => process.removeListener('exit', onExit));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    await ended;
    clearTimeout(timer);
  };
  const running = {
    pid: child.pid ?? 0,
    stop: () => end(options.stopSignal ?? 'SIGTERM'),
    kill: () => end('SIGKILL'),
    log,
  };
  await waitUntilReady(options, child, running);
  return running;
}

async function waitUntilReady(
  options: BackEndOptions,
  child: ChildProcess,
  running: RunningBackEnd,
): Promise<void> {
  const deadline = Date.now() + (options.readyWithinMs ?? 30_000);
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
    if (options.signal?.aborted === true) break;
    if (await isReady(options, running.log())) return;
    await sleep(50);
  }
  const status = child.exitCode ?? child.signalCode;
  await running.kill();
  const how = status === null ? 'did not become ready' : `ended with ${status} before it was ready`;
  throw new Error(`${options.name} ${how}:\n${running.log().slice(-3000)}`);
}

async function isReady(options: BackEndOptions, log: string): Promise<boolean> {
  try {
    return await options.isReady(log);
  } catch {
    return false;
  }
}

function keepLog(child: ChildProcess): () => string {
  let text = '';
  const add = (chunk: string): void => {
    text = (text + chunk).slice(-LOG_CHARACTERS);
  };
  child.stdout?.setEncoding('utf8').on('data', add);
  child.stderr?.setEncoding('utf8').on('data', add);
  child.on('error', (error) => add(error.message));
  return () => text;
}

/** Below those that the kernel gives to clients (`ip_local_port_range`), one of which could have a port before who asked for it. */
const [FIRST_PORT, END_PORT] = [20_100, 22_000];

/** Ports that this process was told before. */
const told = new Set<number>();

/** TCP ports of 127.0.0.1 that are free now, each another and none that was told before. */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    if (told.size === END_PORT - FIRST_PORT) throw new Error(`no port is free from ${FIRST_PORT} on`);
    const port = randomInt(FIRST_PORT, END_PORT);
    if (told.has(port)) continue;
    told.add(port);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
