import type { RequestContext } from './record.ts';
import type { Owner } from './resource.ts';

/** How the agent tells processes, sockets and rows of kernel maps apart; each is the key of many maps here. */

/** What tells processes apart. */
export type ProcessKey = Pick<Owner, 'pid' | 'startNs' | 'execs'>;

/** What tells sockets apart. */
export interface SocketKey {
  readonly netns: number;
  readonly cookie: bigint;
}

type RequestTimes = Pick<RequestContext, 'startSeq' | 'requestStartNs' | 'arrivedNs'>;

/** A program in a process: a pid is given out again, a pid with its start is not. */
export function processId({ pid, startNs, execs }: ProcessKey): string {
  return `${String(pid)}:${String(startNs)}:${String(execs)}`;
}

export function isSameProcess(one: ProcessKey, other: ProcessKey): boolean {
  return one.pid === other.pid && one.startNs === other.startNs && one.execs === other.execs;
}

/** A socket, by its network namespace and its cookie there. */
export function socketId({ netns, cookie }: SocketKey): string {
  return `${String(netns)}:${String(cookie)}`;
}

/** A request on a socket. Sequence numbers come again after 4 GiB, not within one write, which has one time. */
export function requestId(
  socket: SocketKey,
  { startSeq, requestStartNs, arrivedNs = requestStartNs }: RequestTimes,
): string {
  return `${socketId(socket)}:${String(startSeq)}:${String(arrivedNs)}`;
}

/** A row of a kernel map, by its key. */
export function rowId(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
