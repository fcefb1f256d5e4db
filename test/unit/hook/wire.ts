/** What clients write to a server in this process, and whose it was said to be, byte by byte. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { after, before, beforeEach } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { part, type Announcer } from './parts.ts';

export const API = Symbol.for('opentelemetry.js.api.1');
const [TRACE_HEX, SPAN_AT, SPAN_HEX] = ['aa'.repeat(16), 36, 16];
const MARK = /[a-z]+\d/g;

/** As a span is, as far as the hook looks at it. */
export class FakeSpan {
  readonly id: string;
  isOver = false;
  readonly parentSpanContext: object | undefined;

  constructor(letter: string, parent?: FakeSpan) {
    this.id = letter.charCodeAt(0).toString(16).repeat(8);
    this.parentSpanContext = parent?.spanContext();
  }

  spanContext(): object {
    return { traceId: TRACE_HEX, spanId: this.id, traceFlags: 1 };
  }

  isRecording(): boolean {
    return !this.isOver;
  }
}

/** A tracer of the application's, whose next span a test gives it. */
export interface Tracing {
  next: FakeSpan | undefined;
  start(name: string, options: object): void;
}

const storage = new AsyncLocalStorage<FakeSpan | undefined>();

/** Runs it in this span. */
export const within = <T>(span: FakeSpan | undefined, run: () => T): T => storage.run(span, run);

/** An OpenTelemetry whose active span is that of `within()`, while the tests of this file run. */
export function useFakeOpenTelemetry(): Tracing {
  const tracing: Tracing = {
    next: undefined,
    start: (...given) =>
      void (new Tracer() as { startSpan(...args: unknown[]): unknown }).startSpan(...given),
  };
  class Tracer {
    startSpan(): FakeSpan | undefined {
      return tracing.next;
    }
  }
  let previous: unknown;
  before(() => {
    previous = Reflect.get(globalThis, API);
    const getValue = (key: symbol): unknown =>
      key.description?.includes('SUPPRESS') === true ? undefined : storage.getStore();
    const trace = { getTracer: () => new Tracer() };
    Reflect.set(globalThis, API, { context: { active: () => ({ getValue }) }, trace });
  });
  after(() => Reflect.set(globalThis, API, previous));
  return tracing;
}

/** A copy of the package that nobody has loaded yet. */
export function loadAnew(name: string): unknown {
  const require = createRequire(import.meta.url);
  const isIts = (path: string): boolean => /\/node_modules\/(?:ioredis|pg|pg-pool)\//.test(path);
  for (const path of Object.keys(require.cache).filter(isIts)) delete require.cache[path];
  return require(name);
}

interface Said {
  readonly port: number;
  readonly at: number;
  readonly owner: string;
}

type Connection = Socket & {
  readonly _handle: { readonly fd: number; readonly bytesWritten: number } | null;
};

/** A server, and what was said of the connections to it. */
export class Wire {
  readonly #said: Said[] = [];
  readonly #got = new Map<number, Buffer[]>();
  readonly #clients = new Set<Connection>();
  readonly #served = new Set<Socket>();
  #server: Server | undefined;
  announcer!: Announcer;
  port = 0;

  /** Starts and stops with the tests of this file; each begins with nothing said. */
  static use(answer: (socket: Socket, data: Buffer) => void): Wire {
    const wire = new Wire();
    subscribe('net.client.socket', (message) => {
      const { socket } = message as { socket: Connection };
      if (socket instanceof Socket) wire.#clients.add(socket);
    });
    before(() => wire.#start(answer));
    beforeEach(() => {
      wire.#said.length = 0;
      wire.#got.clear();
    });
    after(() => wire.#stop());
    return wire;
  }

  async #start(answer: (socket: Socket, data: Buffer) => void): Promise<void> {
    const { Announcer } = await part('announcer');
    const announce = (fd: number, value: Uint8Array): number =>
      this.#say(fd, Buffer.from(value).toString('hex'));
    this.announcer = new Announcer({ announce, announceConnect: () => 92 });
    this.#server = createServer((socket) => {
      this.#served.add(socket);
      const got: Buffer[] = [];
      this.#got.set(socket.remotePort ?? 0, got);
      socket
        .on('error', () => undefined)
        .on('data', (data: Buffer) => {
          got.push(data);
          answer(socket, data);
        });
    }).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  #stop(): void {
    this.#server?.close();
    for (const socket of [...this.#served, ...this.#clients]) socket.destroy();
  }

  #say(fd: number, value: string): number {
    const socket = [...this.#clients].find(({ _handle: handle }) => handle?.fd === fd);
    const span = value.slice(SPAN_AT, SPAN_AT + SPAN_HEX);
    const owner = /^0+$/.test(span) ? 'nobody' : Buffer.from(span.slice(0, 2), 'hex').toString();
    const at = socket?._handle?.bytesWritten ?? NaN;
    this.#said.push({ port: socket?.localPort ?? 0, at, owner });
    return 0;
  }

  /** How often something was said. */
  get saidCount(): number {
    return this.#said.length;
  }

  /** What was written, a line for each run of bytes of one owner, with the words like `k1` that are in it. */
  async told(): Promise<string[]> {
    // All of it has to arrive.
    await sleep(20);
    return [...this.#got].flatMap(([port, got]) => this.#toldOf(port, Buffer.concat(got)));
  }

  #toldOf(port: number, stream: Buffer): string[] {
    const said = this.#said.filter((one) => one.port === port);
    const lines: string[] = [];
    for (const [index, { at, owner }] of [{ at: 0, owner: 'nobody' }, ...said].entries()) {
      const to = said[index]?.at ?? stream.length;
      const words = stream.toString('latin1', at, to).match(MARK) ?? [];
      if (words.length > 0) lines.push(`${owner}: ${words.join(' ')}`);
      else if (owner !== 'nobody' && to > at) lines.push(`${owner}: other bytes`);
    }
    return lines;
  }
}
