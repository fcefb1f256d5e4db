/** Clients of Redis and PostgreSQL that commands are sent through, in ways of applications. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type * as Ioredis from 'ioredis';
import type * as Pg from 'pg';

/** Sends the command with this text in it, and waits for the answer. */
export type Send = (text: string) => Promise<unknown>;

export interface Target {
  readonly port: number;
  readonly hasTls: boolean;
  readonly ca: string;
  readonly connections: number;
}

/** Where the bytes lie that a call wrote at once: in the stream of its connection, from the first to before the second. */
export interface Place {
  readonly localPort: number;
  readonly from: number;
  readonly to: number;
}

/** What was written by then, below TLS. */
function written(socket: Socket): number {
  const { _handle: handle } = socket as unknown as {
    _handle: { bytesWritten: number; _parent?: { bytesWritten: number } };
  };
  return (handle._parent ?? handle).bytesWritten;
}

/** Calls, and tells what that has written. */
function placed<T>(socket: Socket, tell: (place: Place) => void, call: () => T): T {
  const from = written(socket);
  const result = call();
  tell({ localPort: socket.localPort ?? 0, from, to: written(socket) });
  return result;
}

// Instrumentations patch what is required after they started.
const load = createRequire(import.meta.url);
const PADDING = 'x'.repeat(80);

/** Ways to use Redis. Each is called once for each client, in no span. */
export const redisWays: Readonly<Record<string, (target: Target) => Promise<Send> | Send>> = {
  /** Commands of all spans on few connections. */
  shared: async (target) => {
    const clients = newRedises(target, {});
    await Promise.all(clients.map((client) => client.connect()));
    return (text) => clientOf(clients, text).set(text, PADDING);
  },
  /** Nobody is connected: the first ones have that done, and wait. */
  offline: (target) => {
    const clients = newRedises(target, {});
    return (text) => clientOf(clients, text).set(text, PADDING);
  },
  /** Commands of a turn are written together. */
  automatic: async (target) => {
    const clients = newRedises(target, { enableAutoPipelining: true });
    await Promise.all(clients.map((client) => client.connect()));
    return (text) => clientOf(clients, text).set(text, PADDING);
  },
  /** Several commands of one span at once, in a transaction or not. */
  pipelined: async (target) => {
    const clients = newRedises(target, {});
    await Promise.all(clients.map((client) => client.connect()));
    return (text) => {
      const client = clientOf(clients, text);
      const batch = numberOf(text) % 2 === 0 ? client.pipeline() : client.multi();
      return batch.set(text, PADDING).get(text).exec();
    };
  },
  /** Connections break, and what was not answered is sent again. */
  broken: async (target) => {
    const clients = newRedises(target, { retryStrategy: () => 5 });
    await Promise.all(clients.map((client) => client.connect()));
    return async (text) => {
      const client = clientOf(clients, text);
      const sent = client.set(text, PADDING);
      if (numberOf(text) % 8 === 7) (client as unknown as { stream: Socket }).stream.destroy();
      await sent;
    };
  },
};

/** Ways to use PostgreSQL. */
export const pgWays: Readonly<Record<string, (target: Target) => Promise<Send> | Send>> = {
  /** More calls than connections: most of them wait for one. */
  pooled: (target) => {
    const pool = newPool(target);
    return (text) => pool.query(`SELECT '${text}', '${PADDING}'`);
  },
  prepared: (target) => {
    const pool = newPool(target);
    return (text) => pool.query(`SELECT '${text}', $1::text`, [PADDING]);
  },
  /** Those that wait are called back by whoever gave the connection back. */
  'called back': (target) => {
    const pool = newPool(target);
    return (text) =>
      new Promise((resolve, reject) => {
        pool.connect((error, client, done) => {
          if (client === undefined) return reject(error ?? new Error('no client'));
          client.query(`SELECT '${text}', '${PADDING}'`, (failure: Error | null, result: unknown) => {
            done();
            if (failure) reject(failure);
            else resolve(result);
          });
        });
      });
  },
  /** All at once on few connections, one after the other. */
  queued: async (target) => {
    const { Client } = load('pg') as typeof Pg;
    const clients = Array.from({ length: target.connections }, () => new Client(pgOptions(target)));
    await Promise.all(clients.map((client) => client.connect()));
    return (text) => clientOf(clients, text).query(`SELECT '${text}', '${PADDING}'`);
  },
};

/** The number is at the end of a command's text. */
export const numberOf = (text: string): number => Number(text.slice(-8));

const clientOf = <T>(clients: readonly T[], text: string): T => clients[numberOf(text) % clients.length] as T;

function newRedises(
  { port, hasTls, ca, connections }: Target,
  options: Ioredis.RedisOptions,
): Ioredis.Redis[] {
  const { Redis } = load('ioredis') as typeof Ioredis;
  const tls = hasTls ? { tls: { ca: readFileSync(ca) } } : {};
  return Array.from(
    { length: connections },
    () => new Redis({ host: '127.0.0.1', port, lazyConnect: true, ...tls, ...options }),
  );
}

const pgOptions = ({ port, hasTls, ca, connections }: Target): Pg.PoolConfig => ({
  host: '127.0.0.1',
  port,
  user: 'shop',
  database: 'postgres',
  max: connections,
  ssl: hasTls ? { ca: readFileSync(ca, 'utf8') } : false,
});

function newPool(target: Target): Pg.Pool {
  const { Pool } = load('pg') as typeof Pg;
  return new Pool(pgOptions(target));
}

/** The same, on sockets of which it is told what each call wrote; over TLS nothing else tells. */
export async function placedSend(
  kind: string,
  target: Target,
  tell: (text: string, place: Place) => void,
): Promise<Send> {
  if (kind.startsWith('redis')) {
    const clients = newRedises(target, {});
    await Promise.all(clients.map((client) => client.connect()));
    return (text) => {
      const client = clientOf(clients, text);
      const { stream } = client as unknown as { stream: Socket };
      return placed(
        stream,
        (place) => tell(text, place),
        () => client.set(text, PADDING),
      );
    };
  }
  const { Client } = load('pg') as typeof Pg;
  const idle = Array.from({ length: target.connections }, () => new Client(pgOptions(target)));
  await Promise.all(idle.map((client) => client.connect()));
  return async (text) => {
    const client = idle.pop();
    if (client === undefined) throw new Error('more calls at once than connections');
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    await placed(
      stream,
      (place) => tell(text, place),
      () => client.query(`SELECT '${text}', '${PADDING}'`),
    );
    idle.push(client);
  };
}
