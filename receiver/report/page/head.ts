import { h, type Content, type Element } from './element.ts';
import { humanBytes, humanCount } from '../../cli/human.ts';
import type { Facts, Report } from '../report.ts';
import { count, outside, percentText, figure, secondsText, table } from './elements.ts';

/** A part of the page that the list at its beginning leads to. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: Element;
}

export function header({ facts }: Report, parts: readonly Section[]): Element {
  const from = new Date(facts.startMs).toISOString();
  const host: Content = facts.host === '' ? 'a host' : outside(facts.host);
  return h('header', {}, [
    h('h1', {}, ['What hurt on ', host]),
    h('p', {}, [
      secondsText(facts.seconds),
      ' from ',
      h('time', { datetime: from }, `${from.slice(0, 10)} ${from.slice(11, 19)} UTC`),
      ...[', Linux ', outside(facts.kernel), ` (${facts.architecture}), by wirespan ${facts.wirespan}. `],
      facts.areAddressesMasked ? 'Addresses are masked: others stand for all. ' : '',
      'All times of day are UTC.',
    ]),
    ...warnings(facts),
    h(
      'nav',
      { 'aria-label': 'Parts of this page' },
      h(
        'ul',
        {},
        parts.map(({ id, title }) => h('li', {}, h('a', { href: `#${id}` }, title))),
      ),
    ),
  ]);
}

const ENDS: Readonly<Record<string, string>> = {
  size: 'The recording ended since it had reached its size: what came then is not here.',
};

function warnings({ problem, ended, leftOut: left }: Facts): Element[] {
  const texts = [
    problem,
    ended === undefined ? undefined : ENDS[ended],
    left.length > 0 ? 'Some of it was lost or left out: the last part of this page says what.' : undefined,
  ];
  return texts
    .filter((text) => text !== undefined)
    .map((text) => h('p', { class: 'warning', role: 'note' }, outside(text)));
}

/** The sums of all, each a figure of its own. */
export function factList({ totals, connections, requests }: Report): Element {
  const hurt = requests.rows.length + requests.more;
  const lossy = connections.byLosses.rows.length + connections.byLosses.more;
  const again = percentText(totals.retransmits, totals.segmentsSent);
  const items: readonly (readonly [id: string, label: string, value: Content])[] = [
    ['opened', 'connections opened', count(totals.opened)],
    ['failed', 'connects that failed', count(totals.failed)],
    ['closed', 'connections closed', count(totals.closed)],
    ['retransmits', `segments sent again (${again} of those sent)`, count(totals.retransmits)],
    ['drops', 'packets dropped by this kernel', count(totals.drops)],
    ['resets', 'resets sent and received', count(totals.resets)],
    ['overflows', 'refused by full accept queues', count(totals.acceptOverflows)],
    ['syn-overflows', 'times a SYN queue was full', count(totals.synOverflows)],
    ['lossy', 'connections that lost something', count(lossy)],
    ['hurt', 'requests hurt, of those with a trace', count(hurt)],
    ['bytes-sent', 'payload sent', figure(totals.bytesSent, humanBytes(totals.bytesSent))],
    ['bytes-received', 'payload received', figure(totals.bytesReceived, humanBytes(totals.bytesReceived))],
  ];
  return h(
    'dl',
    { class: 'facts' },
    items.map(([id, label, value]) =>
      h('div', {}, [h('dt', {}, label), h('dd', { id: `total-${id}` }, value)]),
    ),
  );
}

/** Nothing is lost silently. */
export function leftOut({ records, leftOut: left, notSeen, ended }: Facts): Section {
  const id = 'left-out';
  const title = 'What is not here';
  const content = h('section', { id, 'aria-labelledby': `${id}-title` }, [
    h('h2', { id: `${id}-title` }, title),
    h('p', {}, `The kernel told of ${humanCount(records)} events in this time, besides its sums.`),
    ended === undefined
      ? h('p', {}, 'The end of the recording is not there, so it is not known how many were lost.')
      : undefined,
    left.length === 0
      ? h('p', {}, 'Nothing is known to be lost, and no bound was met.')
      : table({
          id: 'losses',
          caption: 'What was lost, or kept out by a bound',
          columns: [{ label: 'what' }, { label: 'how often', isNumber: true }],
          rows: left.map(({ what, count: times }) => [outside(what), count(times)]),
        }),
    notSeen.length === 0
      ? undefined
      : table({
          id: 'not-seen',
          caption: 'What this kernel could not be asked',
          columns: [{ label: 'probe' }, { label: 'why' }],
          rows: notSeen.map(({ probe, why }) => [outside(probe), outside(why)]),
        }),
  ]);
  return { id, title, content };
}
