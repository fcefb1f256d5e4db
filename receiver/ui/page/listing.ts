import { h, type Content, type Element } from '../../report/page/element.ts';
import { count, table, type Column } from '../../report/page/elements.ts';

/** Rows of one page: however many there are, a page stays as long. */
const PAGE_ROWS = 100;
/** Longest text to look for. */
const MAX_FILTER = 100;

/** A column of a list that can be sorted. */
export interface ListColumn<Row> {
  /** What it is called in an address. */
  readonly key: string;
  readonly label: string;
  /** Numbers stand at the right, and the greatest is first. */
  readonly sortBy: (row: Row) => number | string;
  readonly isNumber?: boolean;
  readonly cell: (row: Row) => Content;
}

export interface Listing<Row> {
  /** The name of the table in the page. */
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly ListColumn<Row>[];
  /** Key of the column that it is sorted by at first. */
  readonly sort: string;
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  /** What a filter looks into. */
  readonly searched: (row: Row) => string;
  /** What is said where there is no row. */
  readonly none: string;
}

/** What an address asks of a list. */
interface Wishes {
  readonly sort: string;
  readonly isReversed: boolean;
  readonly filter: string;
  /** From 1 on. */
  readonly page: number;
}

function wishesOf<Row>({ columns, sort }: Listing<Row>, query: URLSearchParams): Wishes {
  const wanted = query.get('sort');
  return {
    sort: columns.find(({ key }) => key === wanted)?.key ?? sort,
    isReversed: query.get('order') === 'reversed',
    filter: (query.get('find') ?? '').slice(0, MAX_FILTER),
    page: Math.max(1, Math.min(1e6, Math.trunc(Number(query.get('page') ?? 1)) || 1)),
  };
}

function addressOf({ sort, isReversed, filter, page }: Wishes): string {
  const query = new URLSearchParams({ sort });
  if (isReversed) query.set('order', 'reversed');
  if (filter !== '') query.set('find', filter);
  if (page > 1) query.set('page', String(page));
  return `?${query.toString()}`;
}

/** The form that leaves rows which have a text. */
export function filterForm<Row>(listing: Listing<Row>, query: URLSearchParams): Element {
  const { sort, isReversed, filter } = wishesOf(listing, query);
  return h('search', {}, [
    h('form', { method: 'get' }, [
      h('label', { for: 'find' }, 'Rows that have'),
      h('input', { type: 'search', id: 'find', name: 'find', value: filter, maxlength: MAX_FILTER }),
      h('input', { type: 'hidden', name: 'sort', value: sort }),
      isReversed ? h('input', { type: 'hidden', name: 'order', value: 'reversed' }) : undefined,
      h('button', {}, 'Find'),
    ]),
  ]);
}

/** One page of rows, in the order and with the filter of the address. */
export function listed<Row>(listing: Listing<Row>, query: URLSearchParams): Content {
  const { id, caption, columns, idOf, none } = listing;
  const wishes = wishesOf(listing, query);
  const rows = orderedRows(listing, wishes);
  if (rows.length === 0) return h('p', { class: 'quiet' }, wishes.filter === '' ? none : 'No row has that.');
  const last = Math.ceil(rows.length / PAGE_ROWS);
  const page = Math.min(wishes.page, last);
  const from = (page - 1) * PAGE_ROWS;
  const shown = rows.slice(from, from + PAGE_ROWS);
  const range = last === 1 ? '' : `, rows ${String(from + 1)} to ${String(from + shown.length)}`;
  return [
    table({
      id,
      caption: [caption, ': ', count(rows.length), range],
      columns: columns.map((column) => headed(id, column, wishes)),
      rows: shown.map((row) => columns.map(({ cell }) => cell(row))),
      rowIds: shown.map((row) => `${id}-${idOf(row)}`),
    }),
    pager(id, { ...wishes, page }, last),
  ];
}

/** The heading is a link that sorts by the column, or turns the order round. */
function headed<Row>(id: string, column: ListColumn<Row>, wishes: Wishes): Column {
  const { key, label, isNumber = false } = column;
  const isSorted = key === wishes.sort;
  const isReversed = isSorted && !wishes.isReversed;
  const isDescending = isNumber !== wishes.isReversed;
  const mark = isSorted ? (isDescending ? ' ▼' : ' ▲') : '';
  const href = addressOf({ ...wishes, sort: key, isReversed, page: 1 });
  return {
    ...{ label, isNumber },
    ...(isSorted && { sorted: isDescending ? 'descending' : 'ascending' }),
    heading: h('a', { id: `${id}-by-${key}`, href }, [
      label,
      mark === '' ? undefined : h('span', { 'aria-hidden': 'true' }, mark),
    ]),
  };
}

function pager(id: string, wishes: Wishes, last: number): Content {
  if (last === 1) return undefined;
  const to = (page: number, text: string): Element =>
    h('a', { id: `${id}-page-${text}`, href: addressOf({ ...wishes, page }) }, text);
  return h('nav', { class: 'pages', 'aria-label': 'Rows' }, [
    wishes.page > 1 ? to(wishes.page - 1, 'before') : undefined,
    h('span', {}, `page ${String(wishes.page)} of ${String(last)}`),
    wishes.page < last ? to(wishes.page + 1, 'next') : undefined,
  ]);
}

function orderedRows<Row>(listing: Listing<Row>, { sort, isReversed, filter }: Wishes): readonly Row[] {
  const { rows, columns, searched, idOf } = listing;
  const wanted = filter.toLowerCase();
  const found = wanted === '' ? rows : rows.filter((row) => searched(row).toLowerCase().includes(wanted));
  const column = columns.find(({ key }) => key === sort);
  const turn = isReversed ? -1 : 1;
  return found
    .map((row) => ({ row, key: column?.sortBy(row) ?? 0, id: idOf(row) }))
    .sort((a, b) => turn * compare(a.key, b.key) || (a.id < b.id ? -1 : 1))
    .map(({ row }) => row);
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a;
  return a < b ? -1 : a > b ? 1 : 0;
}
