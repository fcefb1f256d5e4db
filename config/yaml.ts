import type { Document, ErrorCode, LineCounter, Node } from 'yaml';
import { yaml } from './yaml-library.ts';

/**
 * Longest text that is parsed, in characters: all settings written out are a tenth of it. The library's time
 * grows with the square of the keys of a map, and it would take minutes for a megabyte of them.
 */
export const MAX_YAML_CHARS = 65_536;

/** More than anybody writes by hand; each may stand for a large part of the file. */
const MAX_ALIASES = 50;

/**
 * Warnings of the library would go to standard error by themselves, with the text that they are about.
 * Beyond `maxAliasCount` it gives up what aliases of aliases would unfold to.
 */
export const YAML_OPTIONS = { logLevel: 'error', prettyErrors: false, maxAliasCount: 100 } as const;

/** The library's words repeat the text around a mistake, where a secret can be: these are ours. */
const MISTAKES: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: 'an alias can have no anchor and no tag',
  BAD_ALIAS: 'an alias has no anchor before it, or its name cannot be one',
  BAD_DIRECTIVE: 'a line that begins with % is no directive',
  BAD_DQ_ESCAPE: 'a backslash in double quotes begins nothing; write \\\\ or use single quotes',
  BAD_INDENT: 'the indentation does not fit that of the lines before',
  BAD_PROP_ORDER: 'an anchor or a tag stands in the wrong place',
  BAD_SCALAR_START: 'a value begins with a character that must be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'there are two keys on one line; quote a value that has ": " in it',
  BLOCK_IN_FLOW: 'an indented block stands inside [ ] or { }',
  DUPLICATE_KEY: 'a key is there twice',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'a character is missing, such as a closing quote, a bracket, a colon or a comma',
  MULTILINE_IMPLICIT_KEY: 'a key goes over more than one line, or its colon is missing',
  MULTIPLE_ANCHORS: 'a value has two anchors',
  MULTIPLE_DOCS: 'there is more than one document in it; leave out the line ---',
  MULTIPLE_TAGS: 'a value has two tags',
  NON_STRING_KEY: 'a key is no text',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  TAB_AS_INDENT: 'a tab is used to indent; use spaces',
  TAG_RESOLVE_FAILED: 'a value has a tag that is not known',
  UNEXPECTED_TOKEN: 'something stands there that does not belong there',
};

/** A document with its lines, or what is wrong with the text; the sentence completes "the file …". */
export type ParsedYaml =
  { readonly document: Document; readonly lines: LineCounter } | { readonly problem: string };

/** Parses a text that anybody wrote. Never throws. */
export function parseYaml(text: string): ParsedYaml {
  if (text.length > MAX_YAML_CHARS)
    return { problem: `has more than ${String(MAX_YAML_CHARS)} characters; is it the right file?` };
  const { LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { ...YAML_OPTIONS, lineCounter: lines });
    const error = document.errors[0];
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      const mistake = MISTAKES[error.code] ?? 'it cannot be read there';
      return { problem: `is not valid YAML at line ${String(line)}, column ${String(col)}: ${mistake}` };
    }
    if (countAliases(document) > MAX_ALIASES)
      return { problem: `has more than ${String(MAX_ALIASES)} aliases (*name); write the values out` };
    return { document, lines };
  } catch (error) {
    if (error instanceof RangeError) return { problem: 'is nested too deeply to be read' };
    throw error;
  }
}

function countAliases(document: Document): number {
  let count = 0;
  yaml().visit(document, { Alias: () => void (count += 1) });
  return count;
}

/** The plain value of a node, or `undefined` when its aliases stand for more than any setting can be. */
export function plainValue(node: Node, document: Document): { readonly value: unknown } | undefined {
  try {
    return { value: node.toJS(document, { maxAliasCount: YAML_OPTIONS.maxAliasCount }) as unknown };
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof RangeError) return undefined;
    throw error;
  }
}
