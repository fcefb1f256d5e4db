import { scaleLinear, scalePoint } from 'd3-scale';
import { h, type Content, type Element } from '../../report/page/element.ts';
import { bytes, count, nothing, outside } from '../../report/page/elements.ts';
import { short } from '../../report/page/plot.ts';
import { linksOf, moved, type Link } from '../links.ts';
import type { UiModel } from '../model.ts';
import { processCell, processText, rttCell } from './cells.ts';
import { filterForm, listed, type ListColumn } from './listing.ts';
import type { PageBody } from './shell.ts';

/** Links that are drawn; the table has all. */
const DRAWN = 20;
const [WIDTH, LEFT, RIGHT, ROW, EDGE] = [960, 300, 660, 26, 20];
/** The longest name that fits beside the lines. */
const NAME_CHARS = 40;
const [THIN, THICK] = [1.5, 12];

const COLUMNS: readonly ListColumn<Link>[] = [
  {
    ...{ key: 'process', label: 'Process' },
    sortBy: ({ owner }) => processText(owner),
    cell: ({ owner }) => processCell(owner),
  },
  {
    ...{ key: 'role', label: 'Is' },
    sortBy: roleOf,
    cell: roleOf,
  },
  {
    ...{ key: 'peer', label: 'Other end' },
    sortBy: ({ peer }) => peer,
    cell: ({ peer }) => outside(peer),
  },
  {
    ...{ key: 'connections', label: 'Connections', isNumber: true },
    sortBy: ({ connections }) => connections,
    cell: ({ connections }) => count(connections),
  },
  {
    ...{ key: 'rtt', label: 'RTT, mean', isNumber: true },
    sortBy: ({ rttUs }) => rttUs,
    cell: ({ rttUs }) => rttCell(rttUs),
  },
  {
    ...{ key: 'retransmits', label: 'Sent again', isNumber: true },
    sortBy: ({ retransmits }) => retransmits,
    cell: ({ retransmits }) => count(retransmits),
  },
  {
    ...{ key: 'moved', label: 'Payload', isNumber: true },
    sortBy: moved,
    cell: (link) => bytes(moved(link)),
  },
];
/** Connections that go on have one. */
const RATE: ListColumn<Link> = {
  ...{ key: 'rate', label: 'Payload/s', isNumber: true },
  sortBy: ({ rate }) => rate,
  cell: ({ rate }) => bytes(rate),
};

function roleOf({ role, port }: Link): string {
  if (role === undefined) return 'not known';
  return port === undefined ? role : `${role}, port ${String(port)}`;
}

/** Who talks to whom, as a map of those that moved most, and as a table of all. */
export function mapPage(model: UiModel, query: URLSearchParams): PageBody {
  const links = linksOf(model.table.connections());
  const listing = {
    ...{ id: 'links', caption: 'Processes and whom they talk to', sort: 'moved' },
    columns: model.source.kind === 'own' ? [...COLUMNS, RATE] : COLUMNS,
    ...{ rows: links, none: 'Nobody talks to anybody.' },
    idOf: ({ id }: Link) => Buffer.from(id).toString('hex'),
    searched: ({ owner, peer }: Link) => [processText(owner), owner.executable, peer].join('\n'),
  };
  return { still: filterForm(listing, query), live: [drawing(links), listed(listing, query)] };
}

/** Processes at the left, other ends at the right; the wider a line, the more was moved, and a dashed one lost something. */
function drawing(links: readonly Link[]): Content {
  const drawn = links.slice(0, DRAWN);
  if (drawn.length === 0) return nothing('There is nothing to draw.');
  const processes = [...new Set(drawn.map(({ owner }) => processText(owner)))];
  const peers = [...new Set(drawn.map(({ peer }) => peer))];
  const height = ROW * Math.max(processes.length, peers.length) + 2 * EDGE;
  const place = (names: readonly string[]) => scalePoint(names, [EDGE, height - EDGE]).padding(0.5);
  const [left, right] = [place(processes), place(peers)];
  const most = drawn.reduce((high, link) => Math.max(high, moved(link)), 1);
  const width = scaleLinear([0, most], [THIN, THICK]);
  const lossy = drawn.filter(({ retransmits }) => retransmits > 0).length;
  return h('figure', { id: 'map' }, [
    h(
      'figcaption',
      {},
      'Processes at the left, whom they talk to at the right. The wider a line, the more payload; a dashed one had segments sent again.',
    ),
    h(
      'svg',
      {
        ...{ class: 'map', viewBox: `0 0 ${String(WIDTH)} ${String(height)}`, role: 'img' },
        'aria-label': `The ${String(drawn.length)} of ${String(links.length)} pairs that moved most, ${String(lossy)} of them with segments sent again. The table below has the figures.`,
      },
      [
        ...drawn.map((link) =>
          line(link, [left(processText(link.owner)) ?? 0, right(link.peer) ?? 0], width(moved(link))),
        ),
        ...processes.map((name) => label(name, LEFT - 8, left(name) ?? 0, 'end')),
        ...peers.map((name) => label(name, RIGHT + 8, right(name) ?? 0, 'start')),
      ],
    ),
  ]);
}

function line({ retransmits }: Link, [from, to]: readonly [number, number], width: number): Element {
  const middle = (LEFT + RIGHT) / 2;
  const ends = [`M${String(LEFT)},${String(short(from))}`, `${String(RIGHT)},${String(short(to))}`];
  return h('path', {
    class: retransmits > 0 ? 'link lossy' : 'link',
    d: `${ends[0] ?? ''} C${String(middle)},${String(short(from))} ${String(middle)},${String(short(to))} ${ends[1] ?? ''}`,
    'stroke-width': short(width),
  });
}

function label(name: string, x: number, y: number, anchor: 'start' | 'end'): Element {
  const text = [...name].length > NAME_CHARS ? `${[...name].slice(0, NAME_CHARS - 1).join('')}…` : name;
  return h('text', { x, y: short(y) + 4, 'text-anchor': anchor }, text);
}
