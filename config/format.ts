import { nearestHint } from './nearest.ts';
import { quote } from './errors.ts';

/** A part of a JSON Schema, draft 07. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * How a value is read. The same reader serves the file (any YAML value), the
 * environment and flags (always text), so that all of them agree.
 */
export interface Format<T = unknown> {
  /** What is accepted, as the reference shows it. */
  readonly expects: string;
  /**
   * Reads a value; `read(read(x))` equals `read(x)`.
   * @throws Error whose message completes "must …".
   */
  read(value: unknown): T;
  /** What a file may have, for editors: never stricter than `read`. Absent with `choices`, which say it. */
  readonly schema?: JsonSchema;
  /** The words that it takes, where there are no others. */
  readonly choices?: readonly string[];
  /** Whether a YAML map is one value of this key and not a group of keys. */
  readonly takesMap?: boolean;
  /** A value that is refused is not repeated: there may be a secret in it. */
  readonly isQuiet?: boolean;
}

/** Fails with a message that completes "<value> must …". */
export function refuse(expected: string): never {
  throw new Error(expected);
}

/**
 * One of a fixed set of words. `true` and `false` stand for `on` and `off` where those are among them. `meant`: words
 * that other programs have for one of ours, which the message for them names.
 */
export function choice<const T extends string>(
  values: readonly T[],
  meant: Readonly<Record<string, T>> = {},
): Format<T> {
  const expects = values.join(' \\| ');
  return {
    expects,
    choices: values,
    read(value) {
      const text = typeof value === 'string' ? value.trim().toLowerCase() : value;
      const asSwitch =
        text === true || text === 'true' ? 'on' : text === false || text === 'false' ? 'off' : text;
      const found = values.find((word) => word === asSwitch);
      if (found !== undefined) return found;
      const word = typeof text === 'string' ? text : '';
      const ours = Object.hasOwn(meant, word) ? [meant[word] ?? ''] : values;
      const hint = ours === values ? nearestHint(word, values) : `; the nearest is ${ours[0] ?? ''}`;
      return refuse(`be one of ${values.join(', ')}${hint}`);
    },
  };
}

/** The words of a switch. */
export const onOff = choice(['on', 'off']);

/** Free text, not empty. */
export const text: Format<string> = {
  expects: 'text',
  schema: { type: 'string', minLength: 1 },
  read(value) {
    if (typeof value !== 'string' || value === '') return refuse('be text that is not empty');
    return value;
  },
};

/** Path of a readable file; read when the exporter starts. Its content in its place may be a private key. */
export const filePath: Format<string> = {
  expects: 'path',
  schema: { type: 'string', minLength: 1 },
  isQuiet: true,
  read(value) {
    const path = text.read(value);
    if (/[\r\n\0]|-----BEGIN /.test(path)) return refuse('be the path of a file, not its content');
    return path;
  },
};

/** What `sockaddr_un` has room for, without the zero behind it (unix(7)). */
const MAX_SOCKET_PATH = 107;

/** Path of a unix socket, or `off`. */
export const socketPath: Format<string> = {
  expects: 'absolute path or `off`',
  schema: { anyOf: [{ type: 'string', pattern: '^\\s*(/|off\\s*$)' }, { const: false }] },
  read(value) {
    const given = typeof value === 'string' ? value.trim() : value === false ? 'off' : '';
    if (given === 'off') return given;
    const isPath = given.startsWith('/') && !given.endsWith('/') && !given.includes('\0');
    if (!isPath || Buffer.byteLength(given) > MAX_SOCKET_PATH)
      return refuse(
        `be the absolute path of a socket, at most ${String(MAX_SOCKET_PATH)} bytes, such as /run/wirespan/views.sock, or off`,
      );
    return given;
  },
};

const DIGITS = { type: 'string', pattern: '^\\s*[+-]?\\d+\\s*$' };

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Format<number> {
  const upTo = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${String(max)}`;
  return {
    expects: `integer from ${String(min)}${upTo}`,
    schema: { anyOf: [{ type: 'integer', minimum: min, maximum: max }, DIGITS] },
    read(value) {
      const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < min || number > max) {
        return refuse(`be a whole number from ${String(min)}${upTo}${upTo === '' ? ' up' : ''}`);
      }
      return number;
    },
  };
}

/** A number from 0 to 1. */
export const ratio: Format<number> = {
  expects: 'number from 0 to 1',
  schema: {
    anyOf: [
      { type: 'number', minimum: 0, maximum: 1 },
      { type: 'string', pattern: '^\\s*[\\d.]+\\s*$' },
    ],
  },
  read(value) {
    const isNumeric = typeof value === 'string' && /^\s*(\d+(\.\d*)?|\.\d+)\s*$/.test(value);
    const number = isNumeric ? Number(value) : value;
    if (typeof number !== 'number' || !(number >= 0 && number <= 1)) return refuse('be a number from 0 to 1');
    return number;
  },
};

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
};

/** A number as it is, or as text with one of these units. */
export function withUnits(number: JsonSchema, units: Readonly<Record<string, number>>): JsonSchema {
  const unit = Object.keys(units).map(inEitherCase).join('|');
  return { anyOf: [number, { type: 'string', pattern: `^\\s*\\d+(\\.\\d+)?\\s*(${unit})\\s*$` }] };
}

/** Matches a word of letters and digits in capitals too: expressions of JSON Schema have no flags. */
export function inEitherCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

/** Bytes that are a power of two, as an integer or with a unit (`4MiB`). */
export function powerOfTwoBytes(min: number, max: number): Format<number> {
  const range = `a power of two from ${sizeText(min)} to ${sizeText(max)}`;
  return {
    expects: `${range}, in bytes or with a unit, e.g. \`8388608\` or \`8MiB\``,
    schema: withUnits({ type: 'integer', minimum: min, maximum: max }, BYTE_UNITS),
    read(value) {
      const match = /^\s*(\d+)\s*([a-z]*)\s*$/i.exec(
        typeof value === 'number' ? String(value) : asText(value),
      );
      const unit = match === null ? undefined : BYTE_UNITS[(match[2] ?? '').toLowerCase()];
      const bytes = match === null || unit === undefined ? NaN : Number(match[1]) * unit;
      if (Number.isInteger(Math.log2(bytes)) && bytes >= min && bytes <= max) return bytes;
      return refuse(`be ${range}${nearestPower(bytes, min, max)}`);
    },
  };
}

function nearestPower(bytes: number, min: number, max: number): string {
  if (!Number.isFinite(bytes) || bytes <= 0) return '';
  const power = 2 ** Math.round(Math.log2(bytes));
  return `; the nearest is ${sizeText(Math.min(max, Math.max(min, power)))}`;
}

/** A power of two as it may be given: `4MiB`. */
function sizeText(bytes: number): string {
  const [unit, scale] = (['GiB', 'MiB', 'KiB'] as const)
    .map((name) => [name, BYTE_UNITS[name.toLowerCase()] ?? 1] as const)
    .find(([, size]) => bytes >= size) ?? ['', 1];
  return `${String(bytes / scale)}${unit}`;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const TIME_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};
/** What a Node.js timer can hold. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** A time span in milliseconds, as an integer or with a unit (`5s`, `250ms`, `1m`). */
export function duration(minMs: number): Format<number> {
  return {
    expects: `milliseconds from ${String(minMs)}, or with a unit: \`500ms\`, \`5s\`, \`1m\``,
    schema: withUnits({ type: 'integer', minimum: minMs, maximum: MAX_DURATION_MS }, TIME_UNITS),
    read(value) {
      const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(
        typeof value === 'number' ? String(value) : asText(value),
      );
      const unit = match === null ? undefined : TIME_UNITS[(match[2] ?? '').toLowerCase()];
      const ms = match === null || unit === undefined ? NaN : Number(match[1]) * unit;
      if (Number.isInteger(ms) && ms >= minMs && ms <= MAX_DURATION_MS) return ms;
      return refuse(
        `be a time from ${String(minMs)} ms to ${String(MAX_DURATION_MS)} ms, such as 5s or 5000`,
      );
    },
  };
}

/** The sentence for a value that `format` refused. Secrets are not repeated. */
export function badValue(value: unknown, error: unknown, isSecret: boolean): string {
  const must = error instanceof Error ? error.message : String(error);
  return `${isSecret ? 'the value' : quote(value)} must ${must}`;
}
