import { h, type Content } from '../../report/page/element.ts';
import { count, outside } from '../../report/page/elements.ts';
import type { UiModel } from '../model.ts';
import type { HurtRequest } from '../requests.ts';
import { traceUrl } from '../trace-url.ts';
import { processCell, processText, timeCell } from './cells.ts';
import { filterForm, listed, type ListColumn } from './listing.ts';
import type { PageBody } from './shell.ts';

/** Requests that the network hurt, with links to their traces. `template`: the address of a trace. */
export function requestsPage(model: UiModel, query: URLSearchParams, template: string): PageBody {
  const listing = {
    ...{ id: 'requests', caption: 'Requests that the network hurt', sort: 'last' },
    none: 'None that is known: nothing was lost of a request whose trace context was seen.',
    columns: columnsOf(model, template),
    rows: model.requests.rows(),
    idOf: ({ traceId, owner }: HurtRequest) => `${traceId}-${String(owner.pid)}`,
    searched: ({ traceId, owner, peer }: HurtRequest) => [traceId, processText(owner), peer].join('\n'),
  };
  return { still: filterForm(listing, query), live: listed(listing, query) };
}

function columnsOf(model: UiModel, template: string): readonly ListColumn<HurtRequest>[] {
  const time = (ns: bigint): Content => timeCell(model.unixMs(ns));
  return [
    {
      ...{ key: 'trace', label: 'Trace id' },
      sortBy: ({ traceId }) => traceId,
      cell: ({ traceId }) =>
        h('a', { href: traceUrl(template, traceId), rel: 'noreferrer noopener' }, h('code', {}, traceId)),
    },
    {
      ...{ key: 'process', label: 'Process' },
      sortBy: ({ owner }) => processText(owner),
      cell: ({ owner }) => processCell(owner),
    },
    {
      ...{ key: 'peer', label: 'Other end' },
      sortBy: ({ peer }) => peer,
      cell: ({ peer }) => outside(peer),
    },
    {
      ...{ key: 'retransmits', label: 'Sent again', isNumber: true },
      sortBy: ({ retransmitted }) => retransmitted,
      cell: ({ retransmitted }) => count(retransmitted),
    },
    {
      ...{ key: 'drops', label: 'Dropped here', isNumber: true },
      sortBy: ({ drops }) => drops,
      cell: ({ drops }) => count(drops),
    },
    {
      ...{ key: 'failures', label: 'Failed connects', isNumber: true },
      sortBy: ({ failures }) => failures,
      cell: ({ failures }) => count(failures),
    },
    {
      ...{ key: 'first', label: 'First at (UTC)', isNumber: true },
      sortBy: ({ firstNs }) => Number(firstNs),
      cell: ({ firstNs }) => time(firstNs),
    },
    {
      ...{ key: 'last', label: 'Last at (UTC)', isNumber: true },
      sortBy: ({ lastNs }) => Number(lastNs),
      cell: ({ lastNs }) => time(lastNs),
    },
  ];
}
