import { h, type Content, type Element } from './element.ts';
import { humanBytes, humanCount, humanDuration } from '../../cli/human.ts';
import type { Ranking } from '../report.ts';
import { FILLS, strokesOf } from './style.ts';

/** A figure as people read it, with the exact one for programs. */
export function figure(value: number, text: string): Element {
  return h('data', { value: String(value) }, text);
}

export function count(value: number): Element {
  return figure(value, humanCount(value));
}

/** Undefined: not known. */
export function seconds(value: number | undefined): Content {
  return value === undefined ? '–' : figure(value, secondsText(value));
}

export function secondsText(value: number): string {
  return value >= 100 ? `${String(Math.round(value))} s` : humanDuration(value * 1e3);
}

export function bytes(value: number | undefined): Content {
  return value === undefined ? '–' : figure(value, humanBytes(value));
}

/** How much of `all` a part is. */
export function percentText(part: number, all: number): string {
  return all === 0 ? '–' : `${((100 * part) / all).toPrecision(3)} %`;
}

/** A text that somebody else chose: nothing in it turns the direction of what is around it. */
export function outside(text: string): Content {
  return text === '' ? '–' : h('bdi', {}, text);
}

export interface Column {
  readonly label: string;
  readonly isNumber?: boolean;
  /** What stands in the heading in the place of the label, such as a link that sorts. */
  readonly heading?: Content;
  /** Rows are sorted by it. */
  readonly sorted?: 'ascending' | 'descending';
}

export interface TableParts {
  /** Its name in the page, and in tests. */
  readonly id: string;
  readonly caption: Content;
  readonly columns: readonly Column[];
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly Content[])[];
  /** Names of the rows in the page. */
  readonly rowIds?: readonly string[];
  /** How many rows are left out, and of what. */
  readonly more?: Content;
}

/** A table that scrolls by itself where the page is narrow, by keyboard too. */
export function table({ id, caption, columns, rows, rowIds = [], more }: TableParts): Element {
  const head = columns.map(({ label, isNumber = false, heading = label, sorted }) =>
    h(
      'th',
      { scope: 'col', ...(isNumber && { class: 'number' }), ...(sorted && { 'aria-sort': sorted }) },
      heading,
    ),
  );
  const body = rows.map((cells, at) =>
    h(
      'tr',
      { ...(rowIds[at] !== undefined && { id: rowIds[at] }) },
      cells.map((cell, index) => {
        const isNumber = columns[index]?.isNumber === true;
        const attributes = isNumber ? { class: 'number' } : {};
        return index === 0 ? h('th', { scope: 'row', ...attributes }, cell) : h('td', attributes, cell);
      }),
    ),
  );
  const captionId = `${id}-caption`;
  return h('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-labelledby': captionId }, [
    h('table', { id }, [
      h('caption', { id: captionId }, caption),
      h('thead', {}, h('tr', {}, head)),
      h('tbody', {}, body),
    ]),
    more === undefined ? undefined : h('p', { class: 'quiet' }, more),
  ]);
}

/** The line below a table that does not have all. */
export function moreLine({ more }: Ranking<unknown>, what: string): Content {
  return more === 0 ? undefined : [count(more), ` more ${what}`];
}

export function section(id: string, title: string, ...content: readonly Content[]): Element {
  return h('section', { id, 'aria-labelledby': `${id}-title` }, [
    h('h2', { id: `${id}-title` }, title),
    ...content,
  ]);
}

export function nothing(text: string): Element {
  return h('p', { class: 'quiet' }, text);
}

/** How parts of a plot are filled, for the whole page. */
export function patterns(): Element {
  const each = Array.from({ length: FILLS }, (_, fill) =>
    h('pattern', { id: patternId(fill), width: 8, height: 8, patternUnits: 'userSpaceOnUse' }, [
      h('rect', { class: `ground-${String(fill)}`, width: 8, height: 8 }),
      strokesOf(fill) === '' ? undefined : h('path', { class: 'marks', d: strokesOf(fill) }),
    ]),
  );
  return h('svg', { class: 'patterns', 'aria-hidden': 'true' }, h('defs', {}, each));
}

export function fillOf(index: number): string {
  return `url(#${patternId(index)})`;
}

function patternId(index: number): string {
  return `fill-${String(index % FILLS)}`;
}

/** Which pattern is which part. */
export function legend(names: readonly string[]): Element {
  const items = names.map((name, index) =>
    h('li', {}, [
      h(
        'svg',
        { viewBox: '0 0 26 16', 'aria-hidden': 'true' },
        h('rect', { class: 'bar', x: 1, y: 1, width: 24, height: 14, fill: fillOf(index) }),
      ),
      outside(name),
    ]),
  );
  return h('ul', { class: 'legend' }, items);
}
