import type { Owner } from '../../model/resource.ts';
import { commandOf } from '../columns.ts';
import type { TopConnection } from './connection.ts';
import type { TopGroup } from './groups.ts';
import { sparkline, type Series } from './history.ts';
import { countText, endpointText, rttText, shortBytes, shortState } from './text.ts';
import type { TopListener } from './listeners.ts';
import type { Traffic } from './traffic.ts';

/** What a cell needs to know besides its row. */
export interface CellContext {
  /** The last interval that is over. */
  readonly interval: number;
  /** The terminal shows more than ASCII. */
  readonly isUnicode: boolean;
}

export interface TopColumn<Row> {
  readonly title: string;
  /** Pressed with Shift it sorts by this column; unlike those of its mode's other columns. */
  readonly letter: string;
  readonly width: number;
  /** A text, at the left; it may have up to so many columns where there is room. */
  readonly max?: number;
  /** A text that is too long keeps its end. */
  readonly keepsEnd?: boolean;
  /** Where there is no room, columns with the highest rank are left out first, of one rank those at the right. */
  readonly rank: number;
  /** The greatest is first unless it is a text. */
  readonly sortBy: (row: Row) => number | string;
  readonly text: (row: Row, context: CellContext) => string;
  /** It is of traffic: a figure of now, or a line over the last intervals. */
  readonly traffic?: 'figure' | 'spark';
}

interface HasTraffic {
  readonly traffic: Traffic;
}

interface HasOwner {
  readonly owner: Owner;
}

/** Columns of a sparkline. */
const SPARK = 8;

function spark(
  heading: Pick<TopColumn<never>, 'title' | 'letter' | 'rank'>,
  series: Series,
  sortBy: (traffic: Traffic) => number,
): TopColumn<HasTraffic> {
  return {
    ...{ ...heading, width: SPARK, traffic: 'spark' },
    sortBy: ({ traffic }) => sortBy(traffic),
    text: ({ traffic }, { interval, isUnicode }) =>
      sparkline(traffic.history.last(series, interval, SPARK), isUnicode).padStart(SPARK),
  };
}

/** Figures of traffic, from the most wanted on. */
const TRAFFIC: readonly TopColumn<HasTraffic>[] = [
  {
    ...{ title: 'SENT/S', letter: 'S', width: 6, rank: 0, traffic: 'figure' },
    sortBy: ({ traffic }) => traffic.sentRate,
    text: ({ traffic }) => shortBytes(traffic.sentRate),
  },
  {
    ...{ title: 'RECV/S', letter: 'R', width: 6, rank: 0, traffic: 'figure' },
    sortBy: ({ traffic }) => traffic.receivedRate,
    text: ({ traffic }) => shortBytes(traffic.receivedRate),
  },
  {
    ...{ title: 'RTT', letter: 'T', width: 6, rank: 1, traffic: 'figure' },
    sortBy: ({ traffic }) => traffic.rttUs,
    text: ({ traffic }) => rttText(traffic.rttUs),
  },
  {
    ...{ title: 'RETR', letter: 'X', width: 5, rank: 1, traffic: 'figure' },
    sortBy: ({ traffic }) => traffic.retransmits,
    text: ({ traffic }) => countText(traffic.retransmits),
  },
  {
    ...{ title: 'SENT', letter: 'B', width: 6, rank: 4, traffic: 'figure' },
    sortBy: ({ traffic }) => traffic.sent,
    text: ({ traffic }) => shortBytes(traffic.sent),
  },
  {
    ...{ title: 'RECV', letter: 'D', width: 6, rank: 4, traffic: 'figure' },
    sortBy: ({ traffic }) => traffic.received,
    text: ({ traffic }) => shortBytes(traffic.received),
  },
  spark(
    { title: 'BYTES/S', letter: 'M', rank: 2 },
    'moved',
    ({ sentRate, receivedRate }) => sentRate + receivedRate,
  ),
  spark({ title: 'RTTS', letter: 'V', rank: 3 }, 'rtt', ({ rttUs }) => rttUs),
  spark({ title: 'RETRS', letter: 'Y', rank: 3 }, 'retransmits', ({ lastRetransmits }) => lastRetransmits),
];

const PID: TopColumn<HasOwner> = {
  ...{ title: 'PID', letter: 'P', width: 7, rank: 0 },
  sortBy: ({ owner }) => owner.pid,
  text: ({ owner }) => String(owner.pid),
};

function commandColumn(width: number): TopColumn<HasOwner> {
  return {
    ...{ title: 'COMMAND', letter: 'N', width, max: 15, rank: 0 },
    sortBy: ({ owner }) => owner.command,
    text: ({ owner }) => commandOf(owner),
  };
}

export const CONNECTION_COLUMNS: readonly TopColumn<TopConnection>[] = [
  PID,
  commandColumn(7),
  {
    ...{ title: 'LOCAL', letter: 'L', width: 11, max: 47, keepsEnd: true, rank: 0 },
    sortBy: ({ endpoints }) => endpoints.localPort,
    text: ({ endpoints }) => endpointText(endpoints.localAddress, endpoints.localPort),
  },
  {
    ...{ title: 'REMOTE', letter: 'E', width: 15, max: 47, keepsEnd: true, rank: 0 },
    sortBy: ({ endpoints }) => endpoints.peerAddress,
    text: ({ endpoints }) => endpointText(endpoints.peerAddress, endpoints.peerPort),
  },
  {
    ...{ title: 'STATE', letter: 'A', width: 5, max: 10, rank: 0 },
    sortBy: ({ state }) => state ?? '',
    text: ({ state }) => shortState(state),
  },
  ...TRAFFIC,
];

const GROUP_FIGURES: readonly TopColumn<TopGroup>[] = [
  {
    ...{ title: 'OPEN', letter: 'O', width: 5, rank: 0 },
    sortBy: ({ open }) => open,
    text: ({ open }) => countText(open),
  },
  ...TRAFFIC,
  {
    ...{ title: 'OPENED', letter: 'U', width: 6, rank: 1 },
    sortBy: ({ opened }) => opened,
    text: ({ opened }) => countText(opened),
  },
  {
    ...{ title: 'CLOSED', letter: 'K', width: 6, rank: 3 },
    sortBy: ({ closed }) => closed,
    text: ({ closed }) => countText(closed),
  },
  {
    ...{ title: 'FAILED', letter: 'F', width: 6, rank: 1 },
    sortBy: ({ failed }) => failed,
    text: ({ failed }) => countText(failed),
  },
];

export const PROCESS_COLUMNS: readonly TopColumn<TopGroup>[] = [PID, commandColumn(10), ...GROUP_FIGURES];

/** `name`: what a group's container is called. */
export function containerColumns(name: (group: TopGroup) => string): readonly TopColumn<TopGroup>[] {
  return [
    {
      ...{ title: 'CONTAINER', letter: 'N', width: 16, max: 60, keepsEnd: true, rank: 0 },
      sortBy: name,
      text: name,
    },
    {
      ...{ title: 'PROCS', letter: 'P', width: 5, rank: 0 },
      sortBy: ({ processes }) => processes,
      text: ({ processes }) => countText(processes),
    },
    ...GROUP_FIGURES,
  ];
}

export const LISTENER_COLUMNS: readonly TopColumn<TopListener>[] = [
  PID,
  commandColumn(10),
  {
    ...{ title: 'LOCAL', letter: 'L', width: 15, max: 47, keepsEnd: true, rank: 0 },
    sortBy: ({ port }) => -port,
    text: ({ address, port }) => endpointText(address, port),
  },
  {
    ...{ title: 'QUEUE', letter: 'O', width: 6, rank: 0 },
    sortBy: ({ queued }) => queued,
    text: ({ queued }) => countText(queued),
  },
  {
    ...{ title: 'LIMIT', letter: 'M', width: 6, rank: 0 },
    sortBy: ({ limit }) => limit,
    text: ({ limit }) => countText(limit),
  },
  {
    ...{ title: 'DROPS', letter: 'X', width: 6, rank: 0 },
    sortBy: ({ drops }) => drops,
    text: ({ drops }) => countText(drops),
  },
  {
    ...{ title: 'QUEUES', letter: 'V', width: SPARK, rank: 1 },
    sortBy: ({ queues }) => queues.reduce((sum, queued) => sum + queued, 0),
    text: ({ queues }, { isUnicode }) => sparkline(queues.slice(-SPARK), isUnicode).padStart(SPARK),
  },
  {
    ...{ title: 'SOCKETS', letter: 'K', width: 7, rank: 2 },
    sortBy: ({ sockets }) => sockets,
    text: ({ sockets }) => countText(sockets),
  },
];
