import type { Entry, SourceResult } from './entry.ts';
import type { ConfigProblem } from './errors.ts';
import { nearestHint } from './nearest.ts';
import { SCHEMA } from './schema.ts';

const FILE_FLAG = 'config';

/** What the flags gave, and the file that `--config` names. */
export interface FlagsResult extends SourceResult {
  readonly file?: string;
}

/** What a flag looks like; anything else is not repeated: it may be a value, and that a secret. */
const PLAUSIBLE_NAME = /^[\w.-]{1,100}$/;

/** Letters that other programs have, and what says the same here. */
const SHORT: Readonly<Record<string, string>> = {
  '-c': '--config FILE names the file of settings',
  '-o': '--output json, or table, shows rows on standard output',
  '-q': '--log.level error logs only what fails',
  '-v': '--version prints the version, --log.level debug logs more',
};
const USAGE = 'flags are --key.path value or --key.path=value, and --help shows the usual ones';

function unknownFlag(name: string, position: number): ConfigProblem {
  if (!PLAUSIBLE_NAME.test(name))
    return { subject: `argument ${String(position)} of the flags`, problem: `is no flag; ${USAGE}` };
  const subject = `flag --${name}`;
  if (name === 'help' || name === 'version') return { subject, problem: 'takes no value' };
  const hint = nearestHint(name, [...SCHEMA.keys(), FILE_FLAG, 'help', 'version'], { prefix: '--' });
  const where = hint === '' ? '; docs/configuration.md has all, --help the usual ones' : hint;
  return { subject, problem: `is no flag${where}` };
}

function noFlag(argument: string, position: number): ConfigProblem {
  const short = shortFlag(argument);
  const subject = short ?? `argument ${String(position)}`;
  return { subject, problem: `is no flag; ${SHORT[short ?? ''] ?? USAGE}` };
}

/** A flag of one letter, without a value that was put to it. */
function shortFlag(argument: string): string | undefined {
  return (
    /^(-[a-z])(=|$)/i.exec(argument)?.[1] ?? Object.keys(SHORT).find((flag) => argument.startsWith(flag))
  );
}

/** Why an argument that begins with a dash can be no flag; undefined when it can. */
export function flagProblem(argument: string, position: number): ConfigProblem | undefined {
  return /^--[^=]/.test(argument) ? undefined : noFlag(argument, position);
}

/** Reads `--key.path value` and `--key.path=value`, and `--config FILE`. The last one of a flag wins. */
export function readFlags(argv: readonly string[]): FlagsResult {
  const entries: Entry[] = [];
  const problems: ConfigProblem[] = [];
  let file: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
    if (match === null) {
      problems.push(noFlag(argument, i + 1));
      continue;
    }
    const position = i + 1;
    const name = match[1] ?? '';
    const next = argv[i + 1];
    const isNextValue = match[2] === undefined && next !== undefined && !next.startsWith('--');
    if (isNextValue) i++;
    const value = match[2] ?? (isNextValue ? next : undefined);
    if (name !== FILE_FLAG && !SCHEMA.has(name)) problems.push(unknownFlag(name, position));
    else if (value === undefined || value === '')
      problems.push({ subject: `flag --${name}`, problem: 'needs a value' });
    else if (name === FILE_FLAG) file = value;
    else entries.push({ key: name, value, where: `flag --${name}` });
  }
  return { entries, problems, ...(file === undefined ? {} : { file }) };
}
