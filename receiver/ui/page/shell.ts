import { h, htmlOf, type Content, type Element } from '../../report/page/element.ts';
import { STYLE } from '../../report/page/style.ts';
import { timeOfDay } from '../../views/columns.ts';
import type { UiModel } from '../model.ts';
import { whatLacks } from '../source.ts';

/** Without a script the browser itself asks anew, in seconds. */
const PLAIN_REFRESH_S = 5;

/** The pages by their paths below the token, with their names. */
const PAGES = [
  ['', 'Connections'],
  ['map', 'Who talks to whom'],
  ['requests', 'Requests hurt'],
  ['queues', 'Listen queues'],
  ['time', 'Over time'],
  ['health', 'Health'],
] as const;

export type PagePath = (typeof PAGES)[number][0];

/** A page without what all of them have. */
export interface PageBody {
  /** Before what is live, such as a form: it is not changed while the page is open. */
  readonly still?: Content;
  readonly live: Content;
}

/** What the report's style has not. */
export const UI_STYLE = `${STYLE}
body { max-width: 90rem; }
nav a[aria-current] { font-weight: bold; text-decoration: none; border-bottom: 3px solid var(--fill-0); }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: .5rem 0; }
input, button { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--quiet); padding: .25rem .5rem; }
button[aria-pressed=true] { font-weight: bold; border-width: 3px; }
button[hidden] { display: none; }
thead a { display: inline-block; min-height: 1.5rem; }
.pages { display: flex; gap: 1rem; align-items: baseline; }
.link { stroke: var(--fill-0); fill: none; }
.link.lossy { stroke: var(--fill-1); stroke-dasharray: 6 3; }
svg.map text { font-size: 13px; }
`;

/** A whole page. `path`: which of the pages it is. */
export function renderShell(path: PagePath, model: UiModel, { still, live }: PageBody): string {
  const name = PAGES.find(([each]) => each === path)?.[1] ?? '';
  const html = h('html', { lang: 'en' }, [
    h('head', {}, [
      h('meta', { charset: 'utf-8' }),
      h('meta', { name: 'viewport', content: 'width=device-width' }),
      h('title', {}, `${name}: wirespan`),
      h('link', { rel: 'stylesheet', href: 'style.css' }),
      h('link', { rel: 'icon', href: 'data:,' }),
      h('script', { type: 'module', src: 'live.js' }),
      h('noscript', {}, h('meta', { 'http-equiv': 'refresh', content: PLAIN_REFRESH_S })),
    ]),
    h('body', {}, [
      h('a', { class: 'skip', href: '#content' }, 'To the figures'),
      header(path),
      h('main', { id: 'content', tabindex: -1 }, [
        h('h1', {}, name),
        still,
        h('div', { id: 'live' }, [stateLine(model), live]),
      ]),
    ]),
  ]);
  return `<!DOCTYPE html>\n${htmlOf(html)}\n`;
}

function header(current: PagePath): Element {
  const links = PAGES.map(([path, name]) =>
    h('li', {}, h('a', { href: `./${path}`, ...(path === current && { 'aria-current': 'page' }) }, name)),
  );
  return h('header', {}, [
    h('nav', { 'aria-label': 'Pages' }, h('ul', {}, links)),
    h('button', { type: 'button', id: 'pause', 'aria-pressed': 'false', hidden: '' }, 'Stand still'),
    h('p', { id: 'state', role: 'status', class: 'quiet' }),
  ]);
}

/** What it is from, and from when; then what is missing. */
function stateLine(model: UiModel): Content {
  const { source, timeNs, isOver } = model;
  const at = timeNs === undefined ? 'nothing was read yet' : `as of ${timeOfDay(timeNs)}`;
  const whole = source.kind !== 'recording' || isOver ? '' : ', which is still being read';
  const lacks = whatLacks(source);
  const notes = model.notes();
  return [
    h('p', { class: 'quiet' }, [`From ${source.words}${whole}, ${at}. `, lacks ?? '']),
    notes.length === 0
      ? undefined
      : h('p', { class: 'warning', role: 'note' }, 'Not all is here: the page Health says what is missing.'),
  ];
}
