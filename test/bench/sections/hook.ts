import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
  readonly ClientSpans: new () => object;
  readonly hookIoredis: (announcer: Announcer, clientSpans: object) => void;
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

const API = Symbol.for('opentelemetry.js.api.1');

/** What the hook for Node adds to a request, a connect and a command, with an agent that listens and without. */
export const hook: Section = {
  name: 'hook',
  what: 'what wirespan/hook costs an application: a request, a connect, a command of Redis',
  async run({ isQuick }: Scale) {
    const [rounds, count] = isQuick ? [3, 20_000] : [9, 100_000];
    const [{ Announcer }, { loadCalls }] = await Promise.all([part('announcer'), part('addon')] as const);
    const announcer = new Announcer(loadCalls());
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const redis = await openRedis(announcer, socket);
    const measure = (): Measured => {
      requests(announcer, socket, count);
      const requested = Array.from({ length: rounds }, () => requests(announcer, socket, count));
      const connected = Array.from({ length: rounds }, () => connects(announcer, count / 10));
      const commanded = Array.from({ length: rounds }, () => commands(redis, count));
      return { requested, connected, commanded };
    };
    heading('The hook for Node applications');
    print('without an agent', measure());
    await withAgent({}, () => Promise.resolve(print('with an agent', measure())));
    note('a request is two announcements; a connect is two more, and what it takes to wrap its call');
    note('a command is two announcements, and what it takes to know who asked');
    socket.destroy();
    server.close();
    await once(server, 'close');
  },
};

interface Measured {
  readonly requested: number[];
  readonly connected: number[];
  readonly commanded: number[];
}

function print(name: string, { requested, connected, commanded }: Measured): void {
  row(`a request, ${name}`, 'µs', requested, { aim: '≤ 5' });
  row(`a connect, ${name}`, 'µs', connected);
  row(`a command, ${name}`, 'µs', commanded, { aim: '≤ 5' });
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

interface Redis {
  sendCommand(command: object): void;
}

/** As `ioredis` is, as far as the hook looks at it: what the library itself takes is left out. */
const IOREDIS = `
  exports.Redis = class {
    constructor(stream) { Object.assign(this, { status: 'ready', stream }); }
    connect() {}
    sendCommand(command) {}
  };`;

async function openRedis(announcer: Announcer, socket: Socket): Promise<Redis> {
  const [{ hookIoredis }, { ClientSpans }] = await Promise.all([part('ioredis'), part('client-spans')]);
  hookIoredis(announcer, new ClientSpans());
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-bench-'));
  try {
    const main = join(folder, 'ioredis', 'built', 'index.js');
    mkdirSync(dirname(main), { recursive: true });
    writeFileSync(join(folder, 'ioredis', 'package.json'), '{"name": "ioredis", "version": "5.0.0"}');
    writeFileSync(main, IOREDIS);
    const library = createRequire(import.meta.url)(main) as { Redis: new (stream: Socket) => Redis };
    return new library.Redis(socket);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Commands that write nothing, each in another span. */
function commands(redis: Redis, count: number): number {
  const before: unknown = Reflect.get(globalThis, API);
  const spans = CONTEXTS.map((context) => ({ spanContext: () => context, isRecording: () => true }));
  let span: object | undefined;
  const getValue = (key: symbol): unknown =>
    key.description?.includes('SUPPRESS') === true ? undefined : span;
  const active = { getValue };
  Reflect.set(globalThis, API, { context: { active: () => active } });
  try {
    return perCallUs(count, (index) => {
      span = spans[index % 2];
      redis.sendCommand({ name: 'get' });
    });
  } finally {
    Reflect.set(globalThis, API, before);
  }
}
