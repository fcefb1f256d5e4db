/** What the tests of views of an agent need: requests that are lost, and how views and what left the agent are read. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { PlainAttributes } from '../backends/otlp.ts';
import type { Collector } from '../backends/run.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, type TcpScript } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import type { JsonRow } from '../support/view.ts';
import { readOutput } from './observe.ts';
import { findPoints, totalsBy } from './otlp.ts';

/** Each program that looks has a clock reading of its own. */
const TIMES = /^(time|ms)$|_ms$/;

/** The trace of the request that is lost. */
export const CONTEXT = newContext();

/** Both ends of a connection. */
export interface Ends {
  readonly client: TcpScript;
  readonly socket: number;
  readonly server: TcpScript;
  readonly accepted: number;
}

/** Requests that the packet filter drops once: behind TCP, so that it is sent again, and before it has left its socket. */
export async function lose(room: NetNamespace, port: number, ends: Ends): Promise<void> {
  const request = requestOf(CONTEXT);
  const once = `tcp dport ${port} meta length > 100 numgen inc mod 2 == 0 counter drop`;
  for (const filter of [() => room.filter(once), () => room.filterOutput(once)]) {
    filter();
    await ends.client.run('write', ends.socket, hex(request));
    await ends.server.run('read', ends.accepted, request.length);
  }
  room.filter();
}

export function withoutTimes(rows: readonly JsonRow[]): JsonRow[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !TIMES.test(name))));
}

/** How much rows came to, by what they are of. */
export function totals(
  rows: readonly JsonRow[],
  by: readonly string[],
  of: readonly string[],
): Record<string, readonly [number, ...number[]]> {
  const sums: Record<string, [number, ...number[]]> = {};
  for (const row of rows) {
    const key = by.map((name) => String(row[name])).join(' ');
    const figures = of.map((name, i) => (sums[key]?.[i] ?? 0) + Number(row[name]));
    sums[key] = figures as [number, ...number[]];
  }
  return sums;
}

/** Programs, maps and links of BPF that a process holds open. */
export function bpfOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return /bpf/.test(readlinkSync(join(folder, fd)));
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** Samples: how often a connection is met by a pass is the agent's own affair. */
const SAMPLES = /\.rtt(?:_variation)?$/;

/** What a collector got of these resources: events and spans by name, and how much each series came to. */
export function sentTo(
  collector: Collector,
  isOne: (resource: PlainAttributes) => boolean,
): { events: string[]; spans: string[]; sums: object } {
  const { metrics, logs, spans } = readOutput(collector);
  const isOurs = ({ resource }: { readonly resource: PlainAttributes }): boolean => isOne(resource);
  const counted = metrics.filter(
    (point) =>
      isOurs(point) && (point.type === 'histogram' || point.isMonotonic) && !SAMPLES.test(point.name),
  );
  const names = [...new Set(counted.flatMap(({ attributes }) => Object.keys(attributes)))].sort();
  const sums = [...new Set(counted.map(({ name }) => name))]
    .sort()
    .map((name) => [
      name,
      totalsBy(findPoints(counted, name), ['process.pid', ...names], ({ type, count, value }) =>
        type === 'histogram' ? count : value,
      ),
    ]);
  return {
    events: logs
      .filter(isOurs)
      .map(({ eventName }) => eventName)
      .sort(),
    spans: spans
      .filter(isOurs)
      .map(({ name }) => name)
      .sort(),
    sums: Object.fromEntries(sums) as object,
  };
}
