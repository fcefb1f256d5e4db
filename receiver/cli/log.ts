import { destination, pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

/** How the agent's own log is written. */
export interface CreateLogOptions {
  readonly level: string;
  /** Whether standard error is a terminal: for people then, else JSON, one object a line. */
  readonly isTerminal: boolean;
  /** Where lines go; default: standard error, written synchronously so that the last line is never lost. */
  readonly stream?: DestinationStream;
}

/** The log: `time` is ISO 8601, `level` a word, `msg` the text. Never a line a record. */
export function createLog({ level, isTerminal, stream }: CreateLogOptions): Logger {
  const out = stream ?? destination({ fd: 2, sync: true });
  if (isTerminal) {
    const lines = pretty({ destination: out as never, sync: true, colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' });
    return pino({ level, base: null }, lines);
  }
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    out,
  );
}
