import { originOf, outsideText } from '../text/index.ts';

/** One thing that is wrong with the settings, and where it was found. */
export interface ConfigProblem {
  /** The key path, variable or flag the sentence is about. */
  readonly subject: string;
  /** Where it was given, e.g. `file /etc/wirespan.yaml, line 3`; absent when the subject says it. */
  readonly where?: string;
  /** What is wrong and what to do, without the subject. */
  readonly problem: string;
}

const MAX_LINES = 6;
const MAX_LINE_CHARS = 600;
const MAX_QUOTED_CHARS = 60;

/** Names come from outside as well: of files, keys and variables. */
function line({ subject, where, problem }: ConfigProblem): string {
  const place = where === undefined ? '' : ` (${outsideText(where)})`;
  return outsideText(`${outsideText(subject)}${place}: ${problem}`, MAX_LINE_CHARS);
}

/**
 * Settings that cannot be used. The message is at most six lines, one a problem,
 * fit for stderr as it is; the program that shows it ends with `exitCode`.
 */
export class ConfigError extends Error {
  readonly code = 'ERR_CONFIG_INVALID';
  readonly exitCode = 2;
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(line);
    const shown = lines.length <= MAX_LINES ? lines : lines.slice(0, MAX_LINES - 1);
    const rest = lines.length - shown.length;
    super(rest > 0 ? [...shown, `and ${String(rest)} more problems`].join('\n') : shown.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * A value as it may be shown in a message: one line, quoted when a string, cut when long. An endpoint that was given to
 * the wrong setting may hold a password or a key: its origin is shown.
 */
export function quote(value: unknown): string {
  if (typeof value === 'string' && /:\/\/|@/.test(value))
    return JSON.stringify(originOf(value) ?? '[hidden]');
  return outsideText(JSON.stringify(value) ?? String(value), MAX_QUOTED_CHARS);
}
