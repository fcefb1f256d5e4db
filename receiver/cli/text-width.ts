import { createRequire } from 'node:module';
import type stringWidth from 'string-width';

/** What most texts are of. */
const ASCII = /^[ -~]*$/;

/** Each of its characters takes a column. */
export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

let library: typeof stringWidth | undefined;

/**
 * Columns of the terminal that a text takes. What tells it of other scripts is loaded when the first such text comes: its
 * tables take longer than all that a view loads of ours.
 */
export function textWidth(text: string): number {
  if (isAscii(text)) return text.length;
  library ??= (createRequire(import.meta.url)('string-width') as { readonly default: typeof stringWidth })
    .default;
  return library(text);
}
