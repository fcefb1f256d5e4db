import { h, type Content } from '../../report/page/element.ts';
import { bytes, count, figure, outside } from '../../report/page/elements.ts';
import { humanBytes } from '../../cli/human.ts';
import { shortState } from '../../views/top/text.ts';
import type { TopConnection } from '../../views/top/connection.ts';
import type { UiModel } from '../model.ts';
import { localCell, localOf, processCell, processText, remoteOf, rttCell } from './cells.ts';
import { filterForm, listed, type ListColumn, type Listing } from './listing.ts';
import type { PageBody } from './shell.ts';

type Connection = TopConnection;

const PROCESS: ListColumn<Connection> = {
  ...{ key: 'process', label: 'Process' },
  sortBy: ({ owner }) => processText(owner),
  cell: ({ owner }) => processCell(owner),
};

const ENDS: readonly ListColumn<Connection>[] = [
  {
    ...{ key: 'local', label: 'Local' },
    sortBy: localOf,
    cell: localCell,
  },
  {
    ...{ key: 'remote', label: 'Remote' },
    sortBy: remoteOf,
    cell: (row) => outside(remoteOf(row)),
  },
  {
    ...{ key: 'state', label: 'State' },
    sortBy: stateOf,
    cell: stateOf,
  },
];

const RATES: readonly ListColumn<Connection>[] = [
  {
    ...{ key: 'sent-rate', label: 'Sent/s', isNumber: true },
    sortBy: ({ traffic }) => traffic.sentRate,
    cell: ({ traffic }) => bytes(traffic.sentRate),
  },
  {
    ...{ key: 'received-rate', label: 'Received/s', isNumber: true },
    sortBy: ({ traffic }) => traffic.receivedRate,
    cell: ({ traffic }) => bytes(traffic.receivedRate),
  },
];

const LATE_KEYS: ReadonlySet<string> = new Set(['sent', 'received']);
const FIGURES: readonly ListColumn<Connection>[] = [
  {
    ...{ key: 'rtt', label: 'RTT', isNumber: true },
    sortBy: ({ traffic }) => traffic.rttUs,
    cell: ({ traffic }) => rttCell(traffic.rttUs),
  },
  {
    ...{ key: 'retransmits', label: 'Sent again', isNumber: true },
    sortBy: ({ traffic }) => traffic.retransmits,
    cell: ({ traffic }) => count(traffic.retransmits),
  },
  {
    ...{ key: 'sent', label: 'Sent', isNumber: true },
    sortBy: ({ traffic }) => traffic.sent,
    cell: ({ traffic }) => bytes(traffic.sent),
  },
  {
    ...{ key: 'received', label: 'Received', isNumber: true },
    sortBy: ({ traffic }) => traffic.received,
    cell: ({ traffic }) => bytes(traffic.received),
  },
];

/** Where living connections tell nothing, what one moved is known at its end alone. */
const LATE: readonly ListColumn<Connection>[] = FIGURES.map((column) =>
  LATE_KEYS.has(column.key)
    ? { ...column, cell: (row) => (row.told === undefined ? '–' : column.cell(row)) }
    : column,
);

/** With why it ended, when that is known. */
function stateOf({ state, error }: Connection): string {
  return error === undefined ? shortState(state) : `${shortState(state)}, ${error}`;
}

function listingOf(model: UiModel): Listing<Connection> {
  const isLive = model.source.kind === 'own';
  return {
    ...{ id: 'connections', caption: 'Connections', none: 'There is no connection.' },
    columns: [PROCESS, ...ENDS, ...(isLive ? [...RATES, ...FIGURES] : LATE)],
    sort: isLive ? 'sent-rate' : 'retransmits',
    rows: model.table.connections(),
    idOf: ({ id }) => id,
    searched: (row) =>
      [processText(row.owner), row.owner.executable, localOf(row), remoteOf(row), stateOf(row)].join('\n'),
  };
}

/** Connections, those that are open and those that ended a moment ago. */
export function connectionsPage(model: UiModel, query: URLSearchParams): PageBody {
  const listing = listingOf(model);
  return { still: filterForm(listing, query), live: [totals(model), listed(listing, query)] };
}

function totals({ table, source }: UiModel): Content {
  const { open, sentRate, receivedRate, retransmits } = table.totals();
  const rate = (value: number): Content => figure(value, `${humanBytes(value)}/s`);
  const items: readonly (readonly [id: string, label: string, value: Content])[] = [
    ['open', 'connections open', count(open)],
    ...(source.kind === 'own'
      ? [
          ['sent-rate', 'sent', rate(sentRate)] as const,
          ['received-rate', 'received', rate(receivedRate)] as const,
          ['retransmits', 'segments sent again in the last interval', count(retransmits)] as const,
        ]
      : []),
  ];
  return h(
    'dl',
    { class: 'facts' },
    items.map(([id, label, value]) =>
      h('div', {}, [h('dt', {}, label), h('dd', { id: `total-${id}` }, value)]),
    ),
  );
}
