import { EventEmitter, once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';
import { withAgent } from '../agent.ts';
import { heading, note, row } from '../report.ts';
import type { Scale, Section } from './section.ts';

interface Context {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

interface Announcer {
  open(socket: Socket, context: Context): void;
  begin(socket: Socket, owner: object, context: Context): void;
  end(socket: Socket, owner: object): void;
}

interface HookParts {
  readonly Announcer: new (calls: object) => Announcer;
  readonly loadCalls: () => object;
}

const part = async (name: string): Promise<HookParts> =>
  (await import(join(projectFolder, 'hook', `${name}.mjs`))) as HookParts;
/** Two by turns: what is said twice costs less. */
const CONTEXTS: readonly Context[] = ['b2', 'c3'].map((byte) => ({
  traceId: 'a1'.repeat(16),
  spanId: byte.repeat(8),
  traceFlags: 1,
}));
const contextOf = (index: number): Context => CONTEXTS[index % 2] as Context;

/** What the hook for Node adds to a request and to a connect, with an agent that listens and without. */
export const hook: Section = {
  name: 'hook',
  what: 'what wirespan/hook costs an application, a request and a connect',
  async run({ isQuick }: Scale) {
    const [rounds, count] = isQuick ? [3, 20_000] : [9, 100_000];
    const [{ Announcer }, { loadCalls }] = await Promise.all([part('announcer'), part('addon')] as const);
    const announcer = new Announcer(loadCalls());
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const measure = (): [number[], number[]] => {
      requests(announcer, socket, count);
      const requested = Array.from({ length: rounds }, () => requests(announcer, socket, count));
      const connected = Array.from({ length: rounds }, () => connects(announcer, count / 10));
      return [requested, connected];
    };
    heading('The hook for Node applications');
    print('without an agent', measure());
    await withAgent({}, () => Promise.resolve(print('with an agent', measure())));
    note('a request is two announcements; a connect is two more, and what it takes to wrap its call');
    socket.destroy();
    server.close();
    await once(server, 'close');
  },
};

function print(name: string, [requested, connected]: [number[], number[]]): void {
  row(`a request, ${name}`, 'µs', requested, { aim: '≤ 5' });
  row(`a connect, ${name}`, 'µs', connected);
}

function perCallUs(count: number, call: (index: number) => void): number {
  const began = process.hrtime.bigint();
  for (let index = 0; index < count; index += 1) call(index);
  return Number(process.hrtime.bigint() - began) / count / 1000;
}

function requests(announcer: Announcer, socket: Socket, count: number): number {
  return perCallUs(count, (index) => {
    const owner = {};
    announcer.begin(socket, owner, contextOf(index));
    announcer.end(socket, owner);
  });
}

/** The attempt's own system call is left out. */
function connects(announcer: Announcer, count: number): number {
  const handle = { fd: -1, connect: (): number => 0 };
  const call = (index: number): void => {
    const socket = Object.assign(new EventEmitter(), {
      connecting: true,
      _handle: handle,
    }) as unknown as Socket;
    announcer.open(socket, contextOf(index));
    socket.emit('connectionAttempt', '127.0.0.1', 80, 4);
    handle.connect();
  };
  return perCallUs(count, call);
}
