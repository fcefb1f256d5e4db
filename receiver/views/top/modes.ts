import { processId } from '../../model/ids.ts';
import type { Owner } from '../../model/resource.ts';
import { commandOf, stateName, timeOfDay } from '../columns.ts';
import { CONNECTION_COLUMNS, PROCESS_COLUMNS, type CellContext } from './columns.ts';
import type { TopConnection } from './connection.ts';
import type { TopGroup } from './groups.ts';
import { HISTORY, sparkline, type Series } from './history.ts';
import type { Mode } from './mode.ts';
import type { TopTable } from './table.ts';
import { endpointText, rttText, shortBytes } from './text.ts';
import type { Traffic } from './traffic.ts';

type Detail = readonly (readonly [heading: string, text: string])[];

/** What details need of the host. */
export interface DetailTools {
  toUnixNs(monotonicNs: bigint): bigint;
  /** The path of its control group, and the container in it, in words; '': not known. */
  readonly cgroupOf: (owner: Owner) => string;
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

function socketOf({ role, cookie, netns }: TopConnection): string {
  return `${role ?? 'role not known'}, cookie ${cookie.toString()}, network namespace ${String(netns)}`;
}

function endpointOf({ endpoints }: TopConnection, end: 'local' | 'peer'): string {
  return endpointText(endpoints[`${end}Address`], endpoints[`${end}Port`]);
}

function ownerLines(owner: Owner, { cgroupOf }: DetailTools): Detail {
  return [
    ['Process', processOf(owner)],
    ['Control group', cgroupOf(owner) || 'not known'],
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
    ['RTT before', line('rtt')],
    ['Retransmits before', line('retransmits')],
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
