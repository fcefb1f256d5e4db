/** Compares exported events with a workload's truth; each difference is a sentence. */
import type { LogEntry, PlainAttributes } from '../backends/otlp.ts';
import { findEvents } from './otlp.ts';
import { establishedEnds, pidsOf, unixNs } from '../support/truth.ts';
import type { Bounds, ConnectionTruth, EndOf, ListenerTruth, Truth } from '../support/truth.ts';

/** How far a stamp may be from the bounds that the workload saw: scheduling, and a FIN's delayed ACK. */
const NOISE_NS = 100e6;

/** What an event must say, besides when. */
interface Expected {
  /** What tells events of one name apart. */
  readonly key: string;
  /** For the reader of a difference. */
  readonly about: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly at?: Bounds;
  /** Attributes in seconds that must lie within bounds in nanoseconds. */
  readonly durations?: Readonly<Record<string, Bounds>>;
}

/** A close event for every end of every connection, exact but for times. `isOlder`: older than the agent. */
export function checkCloseEvents(truth: Truth, logs: readonly LogEntry[], isOlder = false): string[] {
  const expected = establishedEnds(truth).map((of): Expected => {
    const { role, end, connection } = of;
    return {
      ...describe(of),
      attributes: {
        ...endpointAttributes(of),
        'process.pid': end.pid,
        'process.executable.name': end.executable,
        'wirespan.tcp.close.reason': end.reason,
        'error.type': end.error === '' ? undefined : end.error,
        'wirespan.tcp.connection.bytes_sent': end.sent,
        'wirespan.tcp.connection.bytes_received': end.received,
      },
      at: end.closed,
      ...(isOlder
        ? {}
        : { durations: { 'wirespan.tcp.connection.lifetime': lifetime(role, end.closed, connection) } }),
    };
  });
  return compare('wirespan.tcp.connection.close', truth, expected, logs);
}

/** A fail event for each refused or timed out attempt, and none for one that was cancelled. */
export function checkFailEvents(truth: Truth, logs: readonly LogEntry[]): string[] {
  const expected = truth.connections
    .filter(({ established, client }) => !established && client.error !== 'cancelled')
    .map((connection): Expected => {
      const of: EndOf = { role: 'client', end: connection.client, connection };
      return {
        ...describe(of),
        attributes: {
          ...endpointAttributes(of),
          'process.pid': connection.client.pid,
          'process.executable.name': connection.client.executable,
          'error.type': connection.client.error,
          'wirespan.tcp.syn_retransmits': connection.retransmits,
        },
        at: connection.connect,
      };
    });
  return compare('wirespan.tcp.connection.fail', truth, expected, logs);
}

/** An open event for each client handshake, its duration no longer than the client's connect(). */
export function checkOpenEvents(truth: Truth, logs: readonly LogEntry[]): string[] {
  const expected = establishedEnds(truth)
    .filter(({ role }) => role === 'client')
    .map((of): Expected => {
      const [after, before] = of.connection.connect;
      return {
        ...describe(of),
        attributes: { ...endpointAttributes(of), 'process.pid': of.end.pid },
        at: of.connection.connect,
        durations: { 'wirespan.latency.value': [0, before - after] },
      };
    });
  return compare('wirespan.tcp.connection.open', truth, expected, logs);
}

/** An accept event for each connection that was accepted, from the process that did it. */
export function checkAcceptEvents(truth: Truth, logs: readonly LogEntry[]): string[] {
  const expected = establishedEnds(truth)
    .filter(({ role, connection }) => role === 'server' && connection.accepted)
    .map((of): Expected => {
      const { connect, accept, openerPid } = of.connection;
      return {
        ...describe(of),
        attributes: {
          ...endpointAttributes(of),
          'process.pid': openerPid,
          'process.executable.name': 'truth-server',
        },
        at: accept,
        durations: { 'wirespan.tcp.accept_queue.wait': [0, accept[1] - connect[0]] },
      };
    });
  return compare('wirespan.tcp.connection.accept', truth, expected, logs);
}

/** A start and a stop event for each listener; of an older one the stop alone. */
export function checkListenerEvents(truth: Truth, logs: readonly LogEntry[], isOlder = false): string[] {
  const expect = (at: (listener: ListenerTruth) => Bounds): Expected[] =>
    truth.listeners.map((listener) => ({
      key: `${listener.address}:${listener.port}`,
      about: `listener ${listener.address}:${listener.port}`,
      attributes: {
        'network.transport': 'tcp',
        'network.type': listener.family,
        'network.local.address': listener.address,
        'network.local.port': listener.port,
        'server.port': listener.port,
        'process.pid': listener.pid,
        'process.executable.name': listener.executable,
        'wirespan.tcp.backlog': listener.backlog,
      },
      at: at(listener),
    }));
  return [
    ...compare('wirespan.tcp.listener.start', truth, isOlder ? [] : expect(({ start }) => start), logs),
    ...compare(
      'wirespan.tcp.listener.stop',
      truth,
      expect(({ stop }) => stop),
      logs,
    ),
  ];
}

function describe({ role, end, connection }: EndOf): { key: string; about: string } {
  const family = connection.mapped ? 'mapped' : connection.family;
  return {
    key: `${role} ${end.local}:${end.localPort} > ${end.peer}:${end.peerPort}`,
    about: `${connection.case} ${family} ${role}`,
  };
}

function endpointAttributes({ role, end, connection }: EndOf): Record<string, unknown> {
  return {
    'network.transport': 'tcp',
    'network.type': connection.family,
    'network.local.address': end.local,
    'network.local.port': end.localPort,
    'network.peer.address': end.peer,
    'network.peer.port': end.peerPort,
    'server.port': role === 'client' ? end.peerPort : end.localPort,
    'wirespan.tcp.handshake.role': role,
  };
}

/** From ESTABLISHED to closed, as bounds: the server is established when its client is, or just before it accepts. */
function lifetime(
  role: EndOf['role'],
  [closedAfter, closedBefore]: Bounds,
  connection: ConnectionTruth,
): Bounds {
  const { connect, accept } = connection;
  const establishedBefore = role === 'server' && accept[1] > 0 ? accept[1] : connect[1];
  return [closedAfter - establishedBefore, closedBefore - connect[0]];
}

function keyOf(attributes: PlainAttributes): string {
  const local = `${String(attributes['network.local.address'])}:${String(attributes['network.local.port'])}`;
  const role = attributes['wirespan.tcp.handshake.role'];
  if (attributes['network.peer.port'] === undefined) return local;
  const peer = `${String(attributes['network.peer.address'])}:${String(attributes['network.peer.port'])}`;
  return `${String(role)} ${local} > ${peer}`;
}

function compare(
  name: string,
  truth: Truth,
  expected: readonly Expected[],
  logs: readonly LogEntry[],
): string[] {
  const seen = new Map<string, LogEntry[]>();
  const pids = pidsOf(truth);
  for (const log of findEvents(logs, name)) {
    if (!pids.has(Number(log.attributes['process.pid']))) continue;
    const key = keyOf(log.attributes);
    seen.set(key, [...(seen.get(key) ?? []), log]);
  }
  // A port may be used again: what has one key is told apart by its order in time.
  for (const same of seen.values()) same.sort((a, b) => Number(a.timeNs - b.timeNs));
  const differences = expected.flatMap((one) => {
    const event = seen.get(one.key)?.shift();
    return event === undefined
      ? [`${name}: none for ${one.about} (${one.key})`]
      : compareOne(name, truth, one, event);
  });
  for (const [key, { length }] of seen)
    if (length > 0) differences.push(`${name}: ${length} for ${key} that should not be`);
  return differences;
}

function compareOne(name: string, truth: Truth, expected: Expected, event: LogEntry): string[] {
  const at = `${name}: ${expected.about}:`;
  const differences = Object.entries(expected.attributes)
    .filter(([key, value]) => event.attributes[key] !== value)
    .map(([key, value]) => `${at} ${key} should be ${String(value)}, is ${String(event.attributes[key])}`);
  const isWithin = (value: number, [after, before]: Bounds): boolean =>
    value >= after - NOISE_NS && value <= before + NOISE_NS;
  if (expected.at !== undefined && !isWithin(Number(event.timeNs - unixNs(truth, 0)), expected.at)) {
    const late = Number(event.timeNs - unixNs(truth, expected.at[0])) / 1e6;
    differences.push(`${at} its time is ${late} ms after the earliest possible one`);
  }
  for (const [key, bounds] of Object.entries(expected.durations ?? {})) {
    const value = event.attributes[key];
    if (typeof value !== 'number' || value < 0 || !isWithin(value * 1e9, bounds)) {
      const range = bounds.map((ns) => ns / 1e9).join(' to ');
      differences.push(`${at} ${key} should be ${range} s, is ${String(value)}`);
    }
  }
  return differences;
}
