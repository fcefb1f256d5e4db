import { count, outside } from '../../report/page/elements.ts';
import { endpointText } from '../../views/top/text.ts';
import type { TopListener } from '../../views/top/listeners.ts';
import type { UiModel } from '../model.ts';
import { processCell, processText } from './cells.ts';
import { filterForm, listed, type ListColumn } from './listing.ts';
import type { PageBody } from './shell.ts';

const COLUMNS: readonly ListColumn<TopListener>[] = [
  {
    ...{ key: 'process', label: 'Process' },
    sortBy: ({ owner }) => processText(owner),
    cell: ({ owner }) => processCell(owner),
  },
  {
    ...{ key: 'local', label: 'Listens on' },
    sortBy: placeOf,
    cell: (row) => outside(placeOf(row)),
  },
  {
    ...{ key: 'queue', label: 'Waiting', isNumber: true },
    sortBy: ({ queued }) => queued,
    cell: ({ queued }) => count(queued),
  },
  {
    ...{ key: 'limit', label: 'Limit', isNumber: true },
    sortBy: ({ limit }) => limit,
    cell: ({ limit }) => count(limit),
  },
  {
    ...{ key: 'most', label: 'Most of late', isNumber: true },
    sortBy: mostOf,
    cell: (row) => count(mostOf(row)),
  },
  {
    ...{ key: 'drops', label: 'Refused', isNumber: true },
    sortBy: ({ drops }) => drops,
    cell: ({ drops }) => count(drops),
  },
  {
    ...{ key: 'sockets', label: 'Sockets', isNumber: true },
    sortBy: ({ sockets }) => sockets,
    cell: ({ sockets }) => count(sockets),
  },
];

function placeOf({ address, port }: TopListener): string {
  return endpointText(address, port);
}

function mostOf({ queues }: TopListener): number {
  return queues.reduce((most, queued) => Math.max(most, queued), 0);
}

/** Listening sockets and who waits to be accepted. */
export function queuesPage(model: UiModel, query: URLSearchParams): PageBody {
  const listing = {
    ...{ id: 'queues', caption: 'Listening sockets', sort: 'queue', columns: COLUMNS },
    rows: model.listeners.rows(),
    idOf: ({ id }: TopListener) => Buffer.from(id, 'latin1').toString('hex'),
    none: 'Nothing listens.',
    searched: (row: TopListener) => [processText(row.owner), row.owner.executable, placeOf(row)].join('\n'),
  };
  return { still: filterForm(listing, query), live: listed(listing, query) };
}
