import type { Document, LineCounter, Node, Pair, YAMLMap } from 'yaml';
import { FileError } from '../text/index.ts';
import type { Entry, SourceResult } from './entry.ts';
import type { ConfigProblem } from './errors.ts';
import { nearestHint } from './nearest.ts';
import { GROUPS, SCHEMA } from './schema.ts';
import { yaml } from './yaml-library.ts';
import { parseYaml, plainValue } from './yaml.ts';

/** Reads a text file; throws a FileError. */
export type ReadFile = (path: string) => string;

/** What a key looks like; anything else is not repeated: it may be a value that slipped. */
const PLAUSIBLE_KEY = /^[\w.-]{1,100}$/;

const MAX_DEPTH = 10;
/** More than a message shows. */
const MAX_HINTS = 10;

/** The whole path of the first value below a key: what a misspelt group was meant for. */
function firstLeaf(key: string, node: unknown): string {
  let path = key;
  let inner = node;
  for (let depth = 0; depth < MAX_DEPTH && yaml().isMap(inner); depth++) {
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
    return yaml().isAlias(node) ? node.resolve(this.#document) : node;
  }

  /** Looked for as long as it is shown: a file can have thousands of keys. */
  #nearestTo(key: string): string {
    if (this.problems.length >= MAX_HINTS) return '';
    return nearestHint(key, SCHEMA.keys()) || '; docs/configuration.md has all';
  }

  readMap(map: YAMLMap, prefix: string): void {
    for (const pair of map.items) this.#readPair(pair, prefix);
  }

  #readPair(pair: Pair, prefix: string): void {
    const name = yaml().isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const key = prefix + name;
    const where = this.#where(pair.key);
    const node = this.#resolve(pair.value);
    const isEmpty = node === undefined || node === null || (yaml().isScalar(node) && node.value === null);
    const subject = PLAUSIBLE_KEY.test(key)
      ? key
      : `a key of ${prefix === '' ? 'the file' : prefix.slice(0, -1)}`;
    const problem = (text: string): void => void this.problems.push({ subject, where, problem: text });
    const setting = SCHEMA.get(key);
    if (setting === undefined) {
      if (!GROUPS.has(key)) problem(`is no setting${this.#nearestTo(firstLeaf(key, node))}`);
      else if (yaml().isMap(node)) this.readMap(node, `${key}.`);
      else if (!isEmpty)
        problem(`is a group of settings, not one; give one of them, such as ${keysOf(key)[0] ?? ''}`);
    } else if (isEmpty) problem(`has no value; give one (${setting.format.expects}) or remove the key`);
    else if (this.entries.has(key)) problem('is given twice');
    else if (yaml().isMap(node) && setting.format.takesMap !== true)
      problem(`is one value (${setting.format.expects}), not a group of keys`);
    else {
      const plain = plainValue(node as Node, this.#document);
      if (plain === undefined) problem('repeats too much by aliases (*name); write the values out');
      else this.entries.set(key, { key, value: plain.value, where });
    }
  }
}

function readText(path: string, readFile: ReadFile): { text: string } | { problem: string } {
  try {
    return { text: readFile(path) };
  } catch (error) {
    if (error instanceof FileError) return { problem: error.message };
    throw error;
  }
}

/** Who gives the text of a file in place of its name must not find it in a message. */
function nameOf(path: string): string {
  return /[\r\n\0]/.test(path) ? 'configuration file' : `configuration file ${path}`;
}

/** Reads a YAML file; keys nest, or are written with dots, or both. */
export function readConfigFile(path: string, readFile: ReadFile): SourceResult {
  const failed = (problem: string): SourceResult => ({
    entries: [],
    problems: [{ subject: nameOf(path), problem }],
  });
  const read = readText(path, readFile);
  if ('problem' in read) return failed(read.problem);
  const parsed = parseYaml(read.text);
  if ('problem' in parsed) return failed(parsed.problem);
  const { document, lines } = parsed;
  const root = document.contents;
  if (root === null || (yaml().isScalar(root) && root.value === null)) return { entries: [], problems: [] };
  if (!yaml().isMap(root)) return failed('must be a map of settings');
  const reader = new FileReader(path, document, lines);
  reader.readMap(root, '');
  return { entries: [...reader.entries.values()], problems: reader.problems };
}
