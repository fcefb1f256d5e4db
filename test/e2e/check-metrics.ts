/** Compares exported metrics with a workload's truth; each difference is a sentence. */
import type { MetricPoint } from '../backends/otlp.ts';
import { findPoints, finalPoints, totalsBy } from './otlp.ts';
import { establishedEnds, pidsOf, tally } from '../support/truth.ts';
import type { EndOf, Truth } from '../support/truth.ts';

const EXECUTABLE = 'process.executable.name';
const ROLE = 'wirespan.tcp.handshake.role';

/** What moved on a connection that the agent is to count. */
export interface Moved {
  readonly sent: (of: EndOf) => number;
  readonly received: (of: EndOf) => number;
}

/** All bytes of a connection. */
export const allBytes: Moved = { sent: ({ end }) => end.sent, received: ({ end }) => end.received };

/** Bytes after the pause of hold mode. */
export const bytesAfterHold: Moved = {
  sent: ({ end }) => end.sent - end.heldSent,
  received: ({ end }) => end.received - end.heldReceived,
};

/** Handshakes: `connection.opened` and the count of `handshake.duration`, by program, role, error, family, port. */
export function checkOpened(truth: Truth, metrics: readonly MetricPoint[]): string[] {
  const by = [EXECUTABLE, ROLE, 'error.type', 'network.type', 'server.port'];
  const failed = truth.connections
    .filter(({ established }) => !established)
    .map((connection): EndOf => ({ role: 'client', end: connection.client, connection }));
  const expected = tally([...establishedEnds(truth), ...failed], ({ role, end, connection }) => {
    const executable = role === 'client' ? 'truth-client' : 'truth-server';
    const error = connection.established ? '' : end.error;
    const port = role === 'client' ? end.peerPort : end.localPort;
    return [executable, role, error, connection.family, port].join('|');
  });
  const { opened, handshakes } = {
    opened: totalsBy(ofWorkload(truth, metrics, 'wirespan.tcp.connection.opened'), by),
    handshakes: totalsBy(
      ofWorkload(truth, metrics, 'wirespan.tcp.handshake.duration'),
      by,
      ({ count }) => count,
    ),
  };
  return [
    ...compareTotals('wirespan.tcp.connection.opened', expected, opened),
    ...compareTotals('count of wirespan.tcp.handshake.duration', expected, handshakes),
  ];
}

/** Ends: `connection.closed` by program, role, reason, port. */
export function checkClosed(truth: Truth, metrics: readonly MetricPoint[]): string[] {
  const by = [EXECUTABLE, ROLE, 'wirespan.tcp.close.reason', 'server.port'];
  const expected = tally(establishedEnds(truth), ({ role, end }) =>
    [end.executable, role, end.reason, role === 'client' ? end.peerPort : end.localPort].join('|'),
  );
  const name = 'wirespan.tcp.connection.closed';
  return compareTotals(name, expected, totalsBy(ofWorkload(truth, metrics, name), by));
}

/** The count of `connection.duration`, by program, role and error. */
export function checkDurations(truth: Truth, metrics: readonly MetricPoint[]): string[] {
  const expected = tally(establishedEnds(truth), ({ role, end }) =>
    [end.executable, role, end.error].join('|'),
  );
  const name = 'wirespan.tcp.connection.duration';
  const seen = totalsBy(
    ofWorkload(truth, metrics, name),
    [EXECUTABLE, ROLE, 'error.type'],
    ({ count }) => count,
  );
  return compareTotals(`count of ${name}`, expected, seen);
}

/** Payload bytes by program, role and direction. */
export function checkBytes(truth: Truth, metrics: readonly MetricPoint[], moved: Moved): string[] {
  const ends = establishedEnds(truth);
  const expected = {
    ...tally(ends, ({ role, end }) => `${end.executable}|${role}|transmit`, moved.sent),
    ...tally(ends, ({ role, end }) => `${end.executable}|${role}|receive`, moved.received),
  };
  const name = 'wirespan.tcp.io';
  return compareTotals(
    name,
    expected,
    totalsBy(ofWorkload(truth, metrics, name), [EXECUTABLE, ROLE, 'network.io.direction']),
  );
}

/** Accepts: the count of `accept_queue.duration` by port. */
export function checkAccepts(truth: Truth, metrics: readonly MetricPoint[]): string[] {
  const accepted = establishedEnds(truth).filter(
    ({ role, connection }) => role === 'server' && connection.accepted,
  );
  const expected = tally(accepted, ({ end }) => String(end.localPort));
  const name = 'wirespan.tcp.accept_queue.duration';
  const seen = totalsBy(ofWorkload(truth, metrics, name), ['server.port'], ({ count }) => count);
  return compareTotals(`count of ${name}`, expected, seen);
}

/** SYNs and data sent again by the clients. Nothing else is lost in the workload. */
export function checkRetransmits(truth: Truth, metrics: readonly MetricPoint[]): string[] {
  const expected = tally(
    truth.connections,
    () => 'truth-client|client',
    ({ retransmits }) => retransmits,
  );
  const name = 'wirespan.tcp.retransmits';
  return compareTotals(name, expected, totalsBy(ofWorkload(truth, metrics, name), [EXECUTABLE, ROLE]));
}

/**
 * What the agent itself counted as lost. An owner that it does not know may be anybody's, and so may be the names of
 * processes that it could not read: the owners have checks of their own.
 */
export function checkNothingLost(metrics: readonly MetricPoint[]): string[] {
  const name = 'wirespan.agent.event.lost';
  const records = findPoints(metrics, name).filter(
    ({ attributes }) => !/^(process|owner|environ)_/.test(String(attributes['error.type'])),
  );
  const lost = totalsBy(records, ['wirespan.agent.probe.name', 'error.type']);
  return compareTotals(name, {}, lost);
}

/** Live values that must be gone once all is closed. */
export function checkNothingLeft(truth: Truth, metrics: readonly MetricPoint[]): string[] {
  const pids = pidsOf(truth);
  return ['wirespan.tcp.connection.active', 'wirespan.tcp.listener.count'].flatMap((name) => {
    return finalPoints(findPoints(metrics, name, { pids }))
      .filter(({ value }) => value !== 0)
      .map(({ value, resource }) => `${name}: still ${value} of ${String(resource[EXECUTABLE])} at the end`);
  });
}

function ofWorkload(truth: Truth, metrics: readonly MetricPoint[], name: string): MetricPoint[] {
  return finalPoints(findPoints(metrics, name, { pids: pidsOf(truth) }));
}

function compareTotals(
  name: string,
  expected: Readonly<Record<string, number>>,
  seen: Readonly<Record<string, number>>,
): string[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(seen)])]
    .sort()
    .filter((key) => (expected[key] ?? 0) !== (seen[key] ?? 0))
    .map((key) => `${name} of ${key} should be ${expected[key] ?? 0}, is ${seen[key] ?? 0}`);
}
