import { h, type Content, type Element } from './element.ts';
import type { ConnectionRow, ListenerRow, Ranking, RequestRow } from '../report.ts';
import { bytes, count, moreLine, nothing, outside, seconds, table } from './elements.ts';

const CONNECTION_COLUMNS = [
  { label: 'service' },
  { label: 'process' },
  { label: 'from' },
  { label: 'to' },
  { label: 'sent again', isNumber: true },
  { label: 'dropped here', isNumber: true },
  { label: 'RTT', isNumber: true },
  { label: 'lifetime', isNumber: true },
  { label: 'sent', isNumber: true },
  { label: 'received', isNumber: true },
  { label: 'end' },
];

/** Connections in an order that `title` names. */
export function connectionTable(
  id: string,
  title: string,
  ranking: Ranking<ConnectionRow>,
  what: string,
): Element {
  const heading = h('h3', {}, title);
  if (ranking.rows.length === 0) return h('div', {}, [heading, nothing('There were none.')]);
  return h('div', {}, [
    heading,
    table({
      ...{
        id,
        caption: `Connections ${title.toLowerCase()}, the largest first`,
        columns: CONNECTION_COLUMNS,
        rows: ranking.rows.map(connectionCells),
      },
      more: moreLine(ranking, what),
    }),
  ]);
}

function connectionCells(row: ConnectionRow): Content[] {
  // A server accepted it: it came from its peer.
  const [from, to] = row.role === 'server' ? [row.peer, row.local] : [row.local, row.peer];
  const process = row.pid === undefined ? row.executable : `${row.executable} ${String(row.pid)}`;
  return [
    outside(row.service),
    outside(process.trim()),
    ...[outside(from), outside(to)],
    ...[count(row.retransmitted), count(row.drops)],
    ...[seconds(row.rtt), seconds(row.lifetime)],
    ...[bytes(row.bytesSent), bytes(row.bytesReceived)],
    row.isOpen ? 'still open' : (row.error ?? row.closeReason ?? '–'),
  ];
}

export function listenerTable(ranking: Ranking<ListenerRow>): Element {
  if (ranking.rows.length === 0) return nothing('Nothing listened.');
  return table({
    id: 'listeners',
    caption: 'Listeners, those that refused most or were nearest to their limit first',
    columns: [
      { label: 'service' },
      { label: 'listens on' },
      { label: 'limit', isNumber: true },
      { label: 'most waiting', isNumber: true },
      { label: 'accepts', isNumber: true },
      { label: 'mean wait', isNumber: true },
      { label: 'accept queue full', isNumber: true },
      { label: 'SYN queue full', isNumber: true },
    ],
    rows: ranking.rows.map((row): Content[] => [
      ...[outside(row.service), outside(row.address)],
      ...[count(row.limit), count(row.mostWaiting), count(row.accepts)],
      seconds(row.accepts === 0 ? undefined : row.waited / row.accepts),
      ...[count(row.overflows), count(row.synOverflows)],
    ]),
    more: moreLine(ranking, 'listeners'),
  });
}

export function requestTable(ranking: Ranking<RequestRow>): Element {
  if (ranking.rows.length === 0)
    return nothing('None that is known: nothing was lost of a request whose trace context was seen.');
  return table({
    id: 'requests',
    caption: 'Requests, the longest first',
    columns: [
      { label: 'trace id' },
      { label: 'first at (UTC)' },
      { label: 'service' },
      { label: 'other end' },
      { label: 'took', isNumber: true },
      { label: 'sent again', isNumber: true },
      { label: 'dropped here', isNumber: true },
      { label: 'resets', isNumber: true },
      { label: 'failed connects', isNumber: true },
    ],
    rows: ranking.rows.map((row): Content[] => [
      h('code', {}, row.traceId),
      timeOf(row.firstMs),
      ...[outside(row.service), outside(row.peer)],
      seconds(row.longest === 0 ? undefined : row.longest),
      ...[row.retransmitted, row.drops, row.resets, row.failures].map(count),
    ]),
    more: moreLine(ranking, 'requests'),
  });
}

function timeOf(ms: number): Element {
  const iso = new Date(ms).toISOString();
  return h('time', { datetime: iso }, iso.slice(11, 23));
}
