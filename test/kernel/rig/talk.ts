/** Connections of one process to itself, and what the kernel side has of them by port. */
import { readFileSync } from 'node:fs';
import { LISTENER_KEY } from '../../../receiver/decode/generated/layout.ts';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { waitFor } from '../../support/wait.ts';
import { hex, type TcpScript } from '../../support/script.ts';
import type { Watcher } from '../../support/watcher.ts';

/** Bytes that each client sends. */
export const PAYLOAD = 'x'.repeat(101);
/** TIME-WAIT and LISTEN, as /proc/net/tcp has them. */
const ENDED_STATES = ['06', '0A'];
const CLIENT = 1;
const SERVER = 2;

/** One end of the connections to a port: those counted as opened, and their payload. */
export interface SeenEnd {
  readonly opened: number;
  readonly bytes: number;
  readonly records: number;
}

export interface Seen {
  readonly client: SeenEnd;
  readonly server: SeenEnd;
  /** Rows of `listeners`, and records. */
  readonly listener: { readonly rows: number; readonly records: number };
}

/** What `talk` makes when all of it is observed: open, accept and close records. */
export function all(connections: number): SeenEnd {
  return { opened: connections, bytes: connections * PAYLOAD.length, records: connections * 2 };
}

export const NOTHING: SeenEnd = { opened: 0, bytes: 0, records: 0 };
export const A_LISTENER = { rows: 1, records: 2 };
export const NO_LISTENER = { rows: 0, records: 0 };

export interface TalkOptions {
  readonly family?: 4 | 6;
  /** Serves instead of the client's own process. */
  readonly acceptor?: TcpScript;
  /** An open listener of the acceptor; closed at the end unless `isKept`. */
  readonly at?: { readonly listener: number; readonly port: number; readonly isKept?: boolean };
}

/** So many connections to a new listener, one after the other; closes everything. Resolves to the port. */
export async function talk(
  script: TcpScript,
  connections: number,
  { family = 4, acceptor = script, at }: TalkOptions = {},
): Promise<number> {
  const { listener, port } = at ?? (await acceptor.listen(family === 4 ? 'listen' : 'listen6'));
  for (let i = 0; i < connections; i += 1) {
    const [client, server] = [script.next(), acceptor.next()];
    await script.run(family === 4 ? 'socket' : 'socket6', client);
    await script.run('connect', client, port);
    await acceptor.run('accept', server, listener);
    await script.run('write', client, hex(PAYLOAD));
    await acceptor.run('read', server, PAYLOAD.length);
    await script.run('close', client);
    await acceptor.run('close', server);
  }
  if (at?.isKept !== true) await acceptor.run('close', listener);
  await waitFor('the connections to end', () => !hasConnections(acceptor.pid, port));
  return port;
}

/** Whether the namespace of a process has connections of a port that have not ended: the last segments can come late. */
function hasConnections(pid: number, port: number): boolean {
  const suffix = port.toString(16).toUpperCase().padStart(4, '0');
  return ['tcp', 'tcp6'].some((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .some(
        ([, local = '', peer = '', state = '']) =>
          (local.endsWith(`:${suffix}`) || peer.endsWith(`:${suffix}`)) && !ENDED_STATES.includes(state),
      ),
  );
}

/** What the kernel side has of the connections to a port. */
export function seenAt(watcher: Watcher, port: number): Seen {
  const rows = watcher.series().filter((row) => row.port === port && !row.isOverflow);
  const records = watcher.records();
  const end = (role: number, isMine: (record: KernelRecord) => boolean): SeenEnd => {
    const mine = rows.filter((row) => row.role === role);
    const field = role === CLIENT ? 'bytes_sent' : 'bytes_received';
    return {
      opened: mine.reduce((sum, row) => sum + row.sum('opened'), 0),
      bytes: mine.reduce((sum, row) => sum + row.sum(field), 0),
      records: records.filter(isMine).length,
    };
  };
  return {
    client: end(CLIENT, (record) => 'bytesSent' in record && record.endpoints.peerPort === port),
    server: end(SERVER, (record) => 'bytesSent' in record && record.endpoints.localPort === port),
    listener: {
      rows: listenerPorts(watcher).filter((each) => each === port).length,
      records: records.filter((record) => 'backlog' in record && record.endpoints.localPort === port).length,
    },
  };
}

function listenerPorts(watcher: Watcher): number[] {
  const { count, keys, keySize } = watcher.source.read('listeners');
  const view = new DataView(keys.buffer, keys.byteOffset);
  return Array.from({ length: count }, (_, row) => view.getUint16(row * keySize + LISTENER_KEY.port, true));
}
