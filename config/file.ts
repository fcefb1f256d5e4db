import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import type { Entry, SourceResult } from './entry.ts';
import type { ConfigProblem } from './errors.ts';
import { nearest } from './nearest.ts';
import { GROUPS, SCHEMA } from './schema.ts';

/** Reads a text file; throws like `fs.readFileSync`. */
export type ReadFile = (path: string) => string;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory',
};

const MAX_DEPTH = 10;

/** The whole path of the first value below a key: what a misspelt group was meant for. */
function firstLeaf(key: string, node: unknown): string {
  let path = key;
  let inner = node;
  for (let depth = 0; depth < MAX_DEPTH && isMap(inner); depth++) {
    const pair = inner.items[0];
    if (pair === undefined) break;
    path += `.${String(pair.key)}`;
    inner = pair.value;
  }
  return path;
}

function keysOf(group: string): string[] {
  return [...SCHEMA.keys()].filter((key) => key.startsWith(`${group}.`));
}

class FileReader {
  readonly entries = new Map<string, Entry>();
  readonly problems: ConfigProblem[] = [];
  readonly #path: string;
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(path: string, document: Document, lines: LineCounter) {
    this.#path = path;
    this.#document = document;
    this.#lines = lines;
  }

  #where(node: unknown): string {
    const offset = (node as Node | undefined)?.range?.[0];
    return offset === undefined
      ? `file ${this.#path}`
      : `file ${this.#path}, line ${String(this.#lines.linePos(offset).line)}`;
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }

  readMap(map: YAMLMap, prefix: string): void {
    for (const pair of map.items) this.#readPair(pair, prefix);
  }

  #readPair(pair: Pair, prefix: string): void {
    const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const key = prefix + name;
    const where = this.#where(pair.key);
    const node = this.#resolve(pair.value);
    const isEmpty = node === undefined || node === null || (isScalar(node) && node.value === null);
    const problem = (text: string): void => void this.problems.push({ subject: key, where, problem: text });
    const setting = SCHEMA.get(key);
    if (setting === undefined) {
      if (!GROUPS.has(key))
        problem(`is no setting; the nearest is ${nearest(firstLeaf(key, node), SCHEMA.keys()) ?? ''}`);
      else if (isMap(node)) this.readMap(node, `${key}.`);
      else if (!isEmpty)
        problem(`is a group of settings, not one; the nearest is ${nearest(key, keysOf(key)) ?? ''}`);
    } else if (isEmpty) problem(`has no value; give one (${setting.format.expects}) or remove the key`);
    else if (this.entries.has(key)) problem('is given twice');
    else if (isMap(node) && setting.format.takesMap !== true)
      problem(`is one value (${setting.format.expects}), not a group of keys`);
    else this.entries.set(key, { key, value: (node as Node).toJS(this.#document), where });
  }
}

function readText(path: string, readFile: ReadFile): string | ConfigProblem {
  try {
    return readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { subject: `configuration file ${path}`, problem: REASONS[code] ?? `cannot be read (${code})` };
  }
}

/** Reads a YAML file; keys nest, or are written with dots, or both. */
export function readConfigFile(path: string, readFile: ReadFile): SourceResult {
  const text = readText(path, readFile);
  if (typeof text !== 'string') return { entries: [], problems: [text] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) {
    const at = lines.linePos(error.pos[0]);
    const problem = `is not valid YAML at line ${String(at.line)}, column ${String(at.col)}: ${error.message.split('\n')[0] ?? ''}`;
    return { entries: [], problems: [{ subject: `configuration file ${path}`, problem }] };
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { entries: [], problems: [] };
  if (!isMap(root))
    return {
      entries: [],
      problems: [{ subject: `configuration file ${path}`, problem: 'must be a map of settings' }],
    };
  const reader = new FileReader(path, document, lines);
  reader.readMap(root, '');
  return { entries: [...reader.entries.values()], problems: reader.problems };
}
