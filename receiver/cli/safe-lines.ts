import type { LoggerOptions } from 'pino';
import { outsideText } from '../../text/index.ts';

/** Longest value of a line, and longest sentence: of a reload there can be several mistakes in one. */
const MAX_VALUE_CHARS = 500;
const MAX_MESSAGE_CHARS = 4_000;
const MAX_ITEMS = 200;
const MAX_DEPTH = 5;
const MAX_STACK_LINES = 20;

/** Every text in it cut and on one line, however deep; errors are left to the serializer. */
function safeValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return outsideText(value, MAX_VALUE_CHARS);
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => safeValue(item, depth + 1));
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(entries.map(([key, item]) => [outsideText(key), safeValue(item, depth + 1)]));
}

/** Name, message and stack; what else an error carries, such as the URL that it is about, stays out. */
function safeError(error: unknown): unknown {
  if (!(error instanceof Error)) return safeValue(error);
  const message = outsideText(error.message, MAX_VALUE_CHARS);
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const stack = [`${error.name}: ${message}`, ...frames.slice(0, MAX_STACK_LINES)];
  return { type: error.name, message, stack: stack.map((line) => outsideText(line)).join('\n') };
}

/** Without a sentence of its own, a line has the error's. */
function messageOf(first: unknown): string | undefined {
  const error = first instanceof Error ? first : (first as { err?: unknown } | undefined)?.err;
  return error instanceof Error ? outsideText(error.message, MAX_VALUE_CHARS) : undefined;
}

/**
 * Options of the log by which no text, wherever it came from, is longer than a bound or moves the cursor:
 * what is logged need not be cleaned by whoever logs it.
 */
export const SAFE_LINES = {
  hooks: {
    logMethod(args, method) {
      const [first, ...rest] = args as unknown[];
      const words = typeof first === 'string' ? [first, ...rest] : rest;
      const texts = words.length > 0 ? words : [messageOf(first)].filter((text) => text !== undefined);
      const safe = texts.map((text) =>
        typeof text === 'string' ? outsideText(text, MAX_MESSAGE_CHARS) : text,
      );
      method.apply(this, (typeof first === 'string' ? safe : [first, ...safe]) as typeof args);
    },
  },
  serializers: { err: safeError },
  formatters: { log: (line) => safeValue(line) as Record<string, unknown> },
} as const satisfies LoggerOptions;
