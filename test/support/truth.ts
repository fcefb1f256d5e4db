/** The truth that tcp-truth prints: every connection as its two ends saw it, by their own clock. */

/** An interval that holds an instant, nanoseconds since `base`; -1: never happened. */
export type Bounds = readonly [afterNs: number, beforeNs: number];

/** One end of a connection. */
export interface EndTruth {
  readonly pid: number;
  readonly executable: string;
  readonly local: string;
  readonly localPort: number;
  readonly peer: string;
  readonly peerPort: number;
  readonly sent: number;
  readonly received: number;
  /** What of these moved before the pause of hold mode. */
  readonly heldSent: number;
  readonly heldReceived: number;
  readonly closed: Bounds;
  /** `wirespan.tcp.close.reason`; '' for an attempt that failed. */
  readonly reason: string;
  /** `error.type`; '': none. */
  readonly error: string;
}

/** One connection, or one attempt that failed. */
export interface ConnectionTruth {
  readonly kind: 'connection';
  readonly case: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly mapped: boolean;
  readonly established: boolean;
  readonly accepted: boolean;
  /** The process that accepted it, or owns the listener when nobody did. */
  readonly openerPid: number;
  /** Its program. */
  readonly openerExecutable?: string;
  /** The client's, where the case is about them. */
  readonly retransmits: number;
  readonly connect: Bounds;
  readonly accept: Bounds;
  readonly client: EndTruth;
  /** Absent when the attempt failed. */
  readonly server?: EndTruth;
}

/** One listening socket. */
export interface ListenerTruth {
  readonly kind: 'listener';
  readonly pid: number;
  readonly executable: string;
  readonly address: string;
  readonly port: number;
  readonly family: 'ipv4' | 'ipv6';
  readonly backlog: number;
  readonly start: Bounds;
  readonly stop: Bounds;
}

/** All of it. */
export interface Truth {
  /** CLOCK_MONOTONIC of the beginning, nanoseconds. */
  readonly base: bigint;
  readonly connections: readonly ConnectionTruth[];
  readonly listeners: readonly ListenerTruth[];
}

/** One end with its role, as an event is about it. */
export interface EndOf {
  readonly role: 'client' | 'server';
  readonly end: EndTruth;
  readonly connection: ConnectionTruth;
}

/** Reads what tcp-truth printed. Throws when the count is not the announced one or not prime. */
export function parseTruth(text: string): Truth {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { kind: string });
  const start = lines.find((line) => line.kind === 'start') as unknown as {
    base: string;
    connections: number;
  };
  const connections = lines.filter((line): line is ConnectionTruth => line.kind === 'connection');
  if (connections.length !== start.connections || !isPrime(connections.length)) {
    throw new Error(`tcp-truth told of ${connections.length} connections; it planned ${start.connections}`);
  }
  const listeners = lines.filter((line): line is ListenerTruth => line.kind === 'listener');
  return { base: BigInt(start.base), connections, listeners };
}

/** Both ends of every established connection, each of the process that has it from its opening to its close. */
export function establishedEnds({ connections }: Truth): EndOf[] {
  return connections
    .filter((connection) => connection.established)
    .flatMap((connection) => [
      { role: 'client' as const, end: connection.client, connection },
      ...(connection.server
        ? [{ role: 'server' as const, end: opened(connection.server, connection), connection }]
        : []),
    ]);
}

/** Whoever it was handed to afterwards. */
function opened(end: EndTruth, { openerPid, openerExecutable = 'truth-server' }: ConnectionTruth): EndTruth {
  return { ...end, pid: openerPid, executable: openerExecutable };
}

/** The truth for an agent that came when all was open: nobody was seen to accept, who has it open has it. */
export function seenOpen(truth: Truth): Truth {
  const connections = truth.connections.map((connection): ConnectionTruth => {
    const { server } = connection;
    if (server === undefined) return connection;
    return { ...connection, openerPid: server.pid, openerExecutable: server.executable };
  });
  return { ...truth, connections };
}

/** Every process that has a part in it. */
export function pidsOf({ connections, listeners }: Truth): Set<number> {
  return new Set([
    ...listeners.map(({ pid }) => pid),
    ...connections.flatMap(({ client, server, openerPid }) => [client.pid, server?.pid ?? 0, openerPid]),
  ]);
}

/** Unix time of a time of the truth; exact to what two clock readings and clock slew allow (about 1 ms). */
export function unixNs({ base }: Truth, sinceBaseNs: number): bigint {
  const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  return base + BigInt(Math.round(sinceBaseNs)) + offset;
}

/** Sums of numbers under text keys. */
export function tally<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  valueOf: (item: Item) => number = () => 1,
): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const item of items) {
    const value = valueOf(item);
    if (value !== 0) totals[keyOf(item)] = (totals[keyOf(item)] ?? 0) + value;
  }
  return totals;
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d += 1) if (n % d === 0) return false;
  return n > 1;
}
