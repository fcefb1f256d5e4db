/** Builds and runs the loads; every one is connections of this machine with itself. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../backends/place.ts';
import { runToEnd, start, waitFor } from './children.ts';

const CHURN = join('build', 'test', 'workloads', 'churn');
/** Addresses to connect to, so that ports last. */
const DESTINATIONS = 200;
const LOAD = join(projectFolder, 'build', 'test', 'bench', 'load');

export async function buildLoads(): Promise<void> {
  const make = (folder: string, target: string): Promise<string> =>
    runToEnd('make', ['-s', '-C', join(projectFolder, folder), join('..', '..', target)]);
  await make('test/workloads', CHURN);
  await make('test/bench', join('build', 'test', 'bench', 'load'));
  await make('test/bench', join('build', 'test', 'bench', 'soak'));
}

export interface Churn {
  readonly connections: number;
  readonly seconds: number;
}

/** Connect, 128 bytes each way, close; a pair of processes for each CPU: as fast as it goes. */
export async function churn(connections: number): Promise<Churn> {
  const pairs = String(availableParallelism());
  return JSON.parse(await runToEnd(join(projectFolder, CHURN), [String(connections), pairs])) as Churn;
}

/** The same until it is stopped; `pid`: of the process whose children are clients and servers. */
export function churnOn(): { readonly pid: number; readonly stop: () => Promise<void> } {
  const load = start(join(projectFolder, CHURN), [String(2 ** 31), String(availableParallelism())]);
  const stop = async (): Promise<void> => {
    load.child.kill('SIGKILL');
    await load.ended;
  };
  return { pid: load.pid, stop };
}

/** The same, so many a second; fewer on a machine that cannot. */
export async function churnAt(rate: number, seconds: number): Promise<Churn> {
  const pairs = String(availableParallelism());
  const args = [String(rate * seconds), pairs, String(DESTINATIONS), '0', String(rate)];
  return JSON.parse(await runToEnd(join(projectFolder, CHURN), args)) as Churn;
}

/** Connections that take about this long on this machine. */
export async function churnFor(seconds: number): Promise<number> {
  const probe = await churn(2000);
  return Math.max(1000, Math.round((probe.connections / probe.seconds) * seconds));
}

export interface Bulk {
  readonly bytes: number;
  readonly writes: number;
  /** Segments of both directions. */
  readonly segments: number;
}

/** Rounds of 128 bytes each way on one connection. */
export async function rounds(count: number): Promise<void> {
  await runToEnd(LOAD, ['rounds', String(count)]);
}

export interface Requests {
  readonly requests: number;
  readonly seconds: number;
  /** The processor time of both ends, in microseconds. */
  readonly processorUs: number;
}

/** HTTP/1.1 requests with a trace context on one connection, one after another; of sampled spans or not. */
export async function requests(count: number, { isSampled = false } = {}): Promise<Requests> {
  const load = isSampled ? 'sampled-requests' : 'requests';
  return JSON.parse(await runToEnd(LOAD, [load, String(count)])) as Requests;
}

/** One connection that carries `bytes` one way, without a trace context. */
export async function bulk(bytes: number): Promise<Bulk> {
  return JSON.parse(await runToEnd(LOAD, ['bulk', String(bytes)])) as Bulk;
}

/** Attempts to connect where no one listens. */
export async function refuse(count: number): Promise<void> {
  await runToEnd(LOAD, ['refuse', String(count)]);
}

/** SYNs that are lost once: each is sent again after a second. */
export async function lose(count: number): Promise<void> {
  await runToEnd(LOAD, ['lose', String(count)]);
}

/** Connections that stay until `release`. */
export interface Held {
  readonly asked: number;
  readonly connections: number;
  readonly seconds: number;
  release(): Promise<void>;
}

/** `perDestination`: connections of a process to one address; far below the number of ports, the search for a free one stays short. */
export async function hold(count: number, perDestination = 4000): Promise<Held> {
  const load = start(LOAD, ['hold', String(count), String(perDestination)]);
  const line = await waitFor('holding connections', load, () => load.output.stdout.match(/^\{.*\}$/m)?.[0]);
  const release = async (): Promise<void> => {
    load.child.stdin?.end();
    await load.ended;
  };
  return { ...(JSON.parse(line) as Omit<Held, 'release'>), release };
}
