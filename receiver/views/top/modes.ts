import { processId } from '../../model/ids.ts';
import type { Owner } from '../../model/resource.ts';
import { commandOf, stateName, timeOfDay } from '../columns.ts';
import type { OwnerCgroup } from '../view.ts';
import {
  CONNECTION_COLUMNS,
  containerColumns,
  LISTENER_COLUMNS,
  PROCESS_COLUMNS,
  type CellContext,
} from './columns.ts';
import type { TopConnection } from './connection.ts';
import type { TopGroup } from './groups.ts';
import { HISTORY, sparkline, type Series } from './history.ts';
import type { Listeners, TopListener } from './listeners.ts';
import type { Mode } from './mode.ts';
import type { TopTable } from './table.ts';
import { endpointText, rttText, shortBytes } from './text.ts';
import type { Traffic } from './traffic.ts';

type Detail = readonly (readonly [heading: string, text: string])[];

/** What details need of the host. */
export interface DetailTools {
  toUnixNs(monotonicNs: bigint): bigint;
  /** Undefined: not known. */
  readonly cgroupOf: (owner: Owner) => OwnerCgroup | undefined;
}

export function connectionMode(table: TopTable, tools: DetailTools): Mode<TopConnection> {
  return {
    title: 'Connections',
    columns: CONNECTION_COLUMNS,
    rows: () => table.connections(),
    idOf: ({ id }) => id,
    searched: ({ owner, endpoints }) =>
      `${String(owner.pid)} ${owner.executable}\n${endpointText(endpoints.localAddress, endpoints.localPort)}\n${endpointText(endpoints.peerAddress, endpoints.peerPort)}`,
    keep: (connection) => table.pin(connection),
    detail: (connection, context) => [
      ['Local', endpointOf(connection, 'local')],
      ['Remote', endpointOf(connection, 'peer')],
      ['Socket', socketOf(connection)],
      ...ownerLines(connection.owner, tools),
      ...trafficLines(connection.traffic, context),
      ...(connection.closeReason === undefined ? [] : [['Ended by', connection.closeReason] as const]),
      ...(connection.error === undefined ? [] : [['Error', connection.error] as const]),
      ...stateLines(connection, tools),
      ...traceLines(connection.traces),
    ],
  };
}

export function processMode(table: TopTable, tools: DetailTools): Mode<TopGroup> {
  return {
    title: 'Processes',
    columns: PROCESS_COLUMNS,
    rows: () => table.processes.rows(),
    idOf: ({ owner }) => processId(owner),
    searched: ({ owner }) => `${String(owner.pid)} ${owner.executable}`,
    detail: (group, context) => [
      ...ownerLines(group.owner, tools),
      ...groupLines(group),
      ...trafficLines(group.traffic, context),
    ],
  };
}

/** Digits of a container's id, as runtimes show them. */
const SHORT_ID = 12;

/** What tells the containers of processes apart: an id, or else the control group. */
export function containerIdOf(owner: Owner, { cgroupOf }: DetailTools): string {
  const { containerId, path } = cgroupOf(owner) ?? { containerId: undefined, path: '' };
  return containerId ?? path;
}

export function containerMode(table: TopTable, tools: DetailTools): Mode<TopGroup> {
  const nameOf = ({ owner }: TopGroup): string => {
    const cgroup = tools.cgroupOf(owner);
    return cgroup?.containerId?.slice(0, SHORT_ID) ?? cgroup?.path ?? 'not known';
  };
  return {
    title: 'Containers',
    columns: containerColumns(nameOf),
    rows: () => table.containers.rows(),
    idOf: ({ id }) => id,
    searched: ({ id, owner }) => `${id}\n${tools.cgroupOf(owner)?.path ?? ''}`,
    detail: (group, context) => [
      ...cgroupLines(tools.cgroupOf(group.owner)),
      ['Processes', `${String(group.processes)} with connections; one is ${processOf(group.owner)}`],
      ...groupLines(group),
      ...trafficLines(group.traffic, context),
    ],
  };
}

export function listenerMode(listeners: Listeners, tools: DetailTools): Mode<TopListener> {
  return {
    title: 'Listeners',
    columns: LISTENER_COLUMNS,
    rows: () => listeners.rows(),
    idOf: ({ id }) => id,
    searched: ({ owner, address, port }) =>
      `${String(owner.pid)} ${owner.executable}\n${endpointText(address, port)}`,
    detail: ({ owner, address, port, netns, sockets, queued, limit, drops, queues }, { isUnicode }) => [
      ['Local', endpointText(address, port)],
      ['Sockets', `${String(sockets)}, network namespace ${String(netns)}`],
      ...ownerLines(owner, tools),
      ['Accept queue', `${String(queued)} of ${String(limit)}`],
      ['Drops', `${String(drops)} SYNs and connections refused since the view began`],
      ['Queue so far', sparkline(queues, isUnicode)],
    ],
  };
}

function socketOf({ role, cookie, netns }: TopConnection): string {
  return `${role ?? 'role not known'}, cookie ${cookie.toString()}, network namespace ${String(netns)}`;
}

function endpointOf({ endpoints }: TopConnection, end: 'local' | 'peer'): string {
  return endpointText(endpoints[`${end}Address`], endpoints[`${end}Port`]);
}

function ownerLines(owner: Owner, { cgroupOf }: DetailTools): Detail {
  return [['Process', processOf(owner)], ...cgroupLines(cgroupOf(owner))];
}

function cgroupLines(cgroup: OwnerCgroup | undefined): Detail {
  if (cgroup === undefined) return [['Control group', 'not known']];
  const { path, containerId } = cgroup;
  return [
    ...(containerId === undefined ? [] : [['Container', containerId] as const]),
    ['Control group', path],
  ];
}

function processOf(owner: Owner): string {
  if (owner.pid === 0) return 'nobody has it';
  const executable = owner.executable === '' ? 'not known' : owner.executable;
  return `${String(owner.pid)} ${commandOf(owner)}, executable ${executable}`;
}

function groupLines({ open, opened, closed, failed }: TopGroup): Detail {
  const counts = `${String(open)} open; ${String(opened)} opened, ${String(closed)} closed, ${String(failed)} failed`;
  return [['Connections', `${counts} since it was met`]];
}

function trafficLines(traffic: Traffic, { interval, isUnicode }: CellContext): Detail {
  const line = (series: Series): string =>
    sparkline(traffic.history.last(series, interval, HISTORY), isUnicode);
  return [
    ['Sent', `${String(traffic.sent)} bytes, ${shortBytes(traffic.sentRate)}/s`],
    ['Received', `${String(traffic.received)} bytes, ${shortBytes(traffic.receivedRate)}/s`],
    [
      'Retransmits',
      `${String(traffic.retransmits)} segments, ${String(traffic.lastRetransmits)} in the last interval`,
    ],
    ['RTT', rttText(traffic.rttUs)],
    ['Bytes a second', line('moved')],
    ['RTT so far', line('rtt')],
    ['Resent so far', line('retransmits')],
  ];
}

/** When it was in which state, and for how long. */
function stateLines({ steps }: TopConnection, { toUnixNs }: DetailTools): Detail {
  return steps.map(({ state, sinceNs }, i) => {
    const next = steps[i + 1]?.sinceNs;
    const since = sinceNs === 0n ? 'since before' : `from ${timeWithMs(toUnixNs(sinceNs))}`;
    const lasted =
      next === undefined || sinceNs === 0n ? '' : ` for ${(Number(next - sinceNs) / 1e6).toFixed(3)} ms`;
    return [i === 0 ? 'States' : '', `${stateName(state).padEnd(11)} ${since}${lasted}`];
  });
}

function timeWithMs(unixNs: bigint): string {
  const ms = (unixNs / 1_000_000n) % 1000n;
  return `${timeOfDay(unixNs)}.${ms.toString().padStart(3, '0')}`;
}

function traceLines(traces: readonly string[]): Detail {
  return traces.map((trace, i) => [i === 0 ? 'Traces' : '', trace]);
}
