/** Clients of Node that a request is sent through, each within its own context; none sends a `traceparent` unless told. */
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { connect, type Socket } from 'node:net';
import { Agent, request as undiciRequest } from 'undici';

/** Where its bytes lie in the stream of its connection: from the first to before the second. */
export interface Place {
  readonly localPort: number;
  readonly from: number;
  readonly to: number;
}

/** Sends one request, under a path of its own, and waits for the answer. */
export type Send = (path: string, traceparent?: string) => Promise<Place>;

export interface Target {
  readonly port: number;
  readonly ca: Buffer;
  readonly connections: number;
}

/** What was written below TLS. */
function written(socket: Socket): number {
  const { _handle: handle } = socket as unknown as {
    _handle: { bytesWritten: number; _parent?: { bytesWritten: number } };
  };
  return (handle._parent ?? handle).bytesWritten;
}

const placeOf = (socket: Socket, from: number): Place => ({
  localPort: socket.localPort ?? 0,
  from,
  to: written(socket),
});

/** What a client wrote of its own accord for the request with this path: it was the one that opened the connection. */
export const openings: (Place & { readonly path: string; readonly endNs: string })[] = [];

/** `node:http` and `node:https`, with their agent's queue. */
function agentClient(library: typeof https | typeof http, { port, ca, connections }: Target): Send {
  const agent = new library.Agent({ keepAlive: true, maxSockets: connections });
  return (path, traceparent) =>
    new Promise((resolve, reject) => {
      let [socket, from]: [Socket | undefined, number] = [undefined, 0];
      const headers = traceparent === undefined ? {} : { traceparent };
      const options = { host: '127.0.0.1', port, path, agent, headers, ...(library === https && { ca }) };
      const sent = library.request({ ...options, method: 'POST' }, (response) => {
        response.resume();
        response.once('end', () => socket && resolve(placeOf(socket, from)));
      });
      sent.once('socket', (given) => {
        socket = given;
        from = written(given);
      });
      sent.once('error', reject);
      sent.end('x'.repeat(300));
    });
}

/** What waits for a connection is written when another one's answer ends. */
function undiciClient({ port, ca, connections }: Target): Send {
  const dispatcher = new Agent({ connections, pipelining: 1, connect: { ca } });
  const begins = new Map<string, { socket: Socket; from: number }>();
  subscribe('undici:client:sendHeaders', (message) => {
    const { request, socket } = message as { request: { path: string }; socket: Socket };
    begins.set(request.path, { socket, from: written(socket) });
  });
  return async (path) => {
    const { body } = await undiciRequest(`https://127.0.0.1:${port}${path}`, { dispatcher });
    await body.text();
    const begin = begins.get(path);
    if (begin === undefined) throw new Error(`no connection of ${path}`);
    return placeOf(begin.socket, begin.from);
  };
}

/** A line for each command, answered by a line, in their order. */
class LineConnection {
  readonly socket: Socket;
  readonly #waiting: (() => void)[] = [];
  #rest = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setNoDelay();
    this.socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (let i = 0; i < lines.length; i += 1) this.#waiting.shift()?.();
    });
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0;
  }

  /** `answered` is called back by the socket. */
  write(line: string, answered: (place: Place) => void): void {
    const from = this.socket.bytesWritten;
    this.socket.write(`${line}\n`);
    const to = from + line.length + 1;
    this.#waiting.push(() => answered({ localPort: this.socket.localPort ?? 0, from, to }));
  }
}

/**
 * As Redis's: every command is written at once, on the connection of all. All are there before the first is: what is
 * written earlier waits in the socket, and is written in the context in which that was opened.
 */
async function pipelined({ port, connections }: Target): Promise<Send> {
  const all = Array.from({ length: connections }, () => new LineConnection(port));
  await Promise.all(all.map(({ socket }) => once(socket, 'connect')));
  let next = 0;
  return (path) => new Promise((resolve) => all[next++ % all.length]?.write(path.padEnd(300, '.'), resolve));
}

/**
 * As PostgreSQL's: connections are opened when they are needed, begin with a message of their own, and what cannot be
 * written at once waits for the answer to what was before, and is written when the socket calls back.
 */
function queued({ port, connections }: Target): Send {
  const [all, queue]: [LineConnection[], ((on: LineConnection) => void)[]] = [[], []];
  const goOn = (on: LineConnection): void => queue.shift()?.(on);
  const send = (on: LineConnection, path: string, resolve: (place: Place) => void): void =>
    on.write(path.padEnd(300, '.'), (place) => {
      goOn(on);
      resolve(place);
    });
  return (path) =>
    new Promise((resolve) => {
      const idle = all.find((one) => !one.isBusy);
      if (idle !== undefined) return send(idle, path, resolve);
      queue.push((on) => send(on, path, resolve));
      if (all.length === connections) return;
      const opened = new LineConnection(port);
      all.push(opened);
      opened.write('startup', (place) => {
        openings.push({ ...place, path, endNs: String(process.hrtime.bigint()) });
        goOn(opened);
      });
    });
}

function http2Client({ port, ca }: Target): Send {
  const session = http2.connect(`https://127.0.0.1:${port}`, { ca });
  return (path) =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': path });
      const socket = session.socket;
      stream.once('error', reject);
      stream.once('end', () => resolve(placeOf(socket, 0)));
      stream.resume();
      stream.end('x'.repeat(300));
    });
}

export const CLIENTS: Readonly<Record<string, (target: Target) => Send | Promise<Send>>> = {
  https: (target) => agentClient(https, target),
  http: (target) => agentClient(http, target),
  undici: undiciClient,
  pipelined,
  queued,
  http2s: http2Client,
};
