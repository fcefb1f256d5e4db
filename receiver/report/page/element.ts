import { createRequire } from 'node:module';

/** An element of HTML or SVG. */
export interface Element {
  readonly type: unknown;
}

/** What may stand in an element. */
export type Content = Element | string | number | undefined | readonly Content[];

type Attributes = Readonly<Record<string, string | number>>;

interface Preact {
  h(name: string, attributes: Readonly<Record<string, unknown>>, ...children: readonly Content[]): Element;
}

interface PreactToString {
  renderToString(element: Element): string;
}

/** By `require`, for its types would let the whole receiver speak of what browsers alone have. */
const require = createRequire(import.meta.url);
const { h: create } = require('preact') as Preact;
const { renderToString } = require('preact-render-to-string') as PreactToString;

/** An element; its names are ours, and all texts and values are escaped, whatever they hold. */
export function h(name: string, attributes: Attributes, ...children: readonly Content[]): Element {
  return create(name, attributes, ...children);
}

/** An element whose text the parser of HTML takes as it is, up to the element's end. */
export function raw(name: 'style' | 'script', attributes: Attributes, text: string): Element {
  return create(name, { ...attributes, dangerouslySetInnerHTML: { __html: text } });
}

/** The element and all in it as HTML. */
export function htmlOf(element: Element): string {
  return renderToString(element);
}
