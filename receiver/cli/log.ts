import { createRequire } from 'node:module';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { prettyFactory } from 'pino-pretty';
import { SAFE_LINES } from './safe-lines.ts';

export type { Logger } from 'pino';

/** How the agent's own log is written. */
export interface CreateLogOptions {
  readonly level: string;
  /** Whether standard error is a terminal: for people then, else JSON, one object a line. */
  readonly isTerminal: boolean;
  /** Only for people, and only where somebody asked for colours or the terminal has them. */
  readonly hasColour?: boolean;
  /** Where whole lines go: must neither wait nor throw. */
  readonly stream: DestinationStream;
}

/** The log: `time` is ISO 8601, `level` a word, `msg` the text. Never a line a record. */
export function createLog({ level, isTerminal, hasColour = false, stream }: CreateLogOptions): Logger {
  if (isTerminal) {
    // The factory formats in place; pino-pretty's own stream would lose the last lines of a process that ends.
    const format = readPretty()({
      colorize: hasColour,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss',
      singleLine: true,
    });
    const lines = { write: (line: string): void => void stream.write(format(line)) };
    return pino({ ...SAFE_LINES, level, base: null }, lines);
  }
  return pino(
    {
      ...SAFE_LINES,
      level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { ...SAFE_LINES.formatters, level: (label) => ({ level: label }) },
    },
    stream,
  );
}

/** It and what it needs are a twentieth of all modules; a log for programs does without. */
function readPretty(): typeof prettyFactory {
  const pretty = createRequire(import.meta.url)('pino-pretty') as {
    readonly prettyFactory: typeof prettyFactory;
  };
  return pretty.prettyFactory;
}
