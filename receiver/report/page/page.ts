import { createHash } from 'node:crypto';
import { h, htmlOf, raw } from './element.ts';
import type { Report } from '../report.ts';
import { patterns } from './elements.ts';
import { factList, header } from './head.ts';
import { sections } from './sections.ts';
import { STYLE } from './style.ts';

/** Where the page has its figures. */
const JSON_ID = 'wirespan-report';

/**
 * The whole page, which needs nothing from anywhere: it has no script and asks for nothing, and its policy lets it do
 * neither.
 */
export function renderPage(report: Report): string {
  const title = `wirespan report: ${report.facts.host || 'a host'}, ${new Date(report.facts.startMs).toISOString()}`;
  const parts = sections(report);
  const html = h('html', { lang: 'en' }, [
    h('head', {}, [
      h('meta', { charset: 'utf-8' }),
      h('meta', { 'http-equiv': 'Content-Security-Policy', content: policy() }),
      h('meta', { name: 'viewport', content: 'width=device-width' }),
      h('meta', { name: 'referrer', content: 'no-referrer' }),
      h('title', {}, title),
      raw('style', {}, STYLE),
    ]),
    h('body', {}, [
      h('a', { class: 'skip', href: '#content' }, 'To the figures'),
      patterns(),
      header(report, parts),
      h('main', { id: 'content', tabindex: -1 }, [factList(report), ...parts.map(({ content }) => content)]),
      raw('script', { type: 'application/json', id: JSON_ID }, safeJson(report)),
    ]),
  ]);
  return `<!DOCTYPE html>\n${htmlOf(html)}\n`;
}

/** The one style is known by what is in it. */
function policy(): string {
  const hash = createHash('sha256').update(STYLE).digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}

/** JSON in which nothing can end a script or begin a comment of HTML, whatever a process is called. */
function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
