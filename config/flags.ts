import type { Entry, SourceResult } from './entry.ts';
import type { ConfigProblem } from './errors.ts';
import { nearest } from './nearest.ts';
import { SCHEMA } from './schema.ts';

const FILE_FLAG = 'config';

/** What the flags gave, and the file that `--config` names. */
export interface FlagsResult extends SourceResult {
  readonly file?: string;
}

/** What a flag looks like; anything else is not repeated: it may be a value, and that a secret. */
const PLAUSIBLE_NAME = /^[\w.-]{1,100}$/;

function unknownFlag(name: string, position: number): ConfigProblem {
  if (!PLAUSIBLE_NAME.test(name)) return noFlag('', position);
  const close = nearest(name, [...SCHEMA.keys(), FILE_FLAG, 'help', 'version']) ?? FILE_FLAG;
  return { subject: `flag --${name}`, problem: `is no flag; the nearest is --${close}` };
}

function noFlag(argument: string, position: number): ConfigProblem {
  const problem = 'is no flag; flags are --key.path value or --key.path=value';
  const isShort = /^-[a-z]$/i.test(argument);
  return { subject: isShort ? argument : `argument ${String(position)} of the flags`, problem };
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
