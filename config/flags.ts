import type { Entry, SourceResult } from './entry.ts';
import type { ConfigProblem } from './errors.ts';
import { nearest } from './nearest.ts';
import { SCHEMA } from './schema.ts';

const FILE_FLAG = 'config';

/** What the flags gave, and the file that `--config` names. */
export interface FlagsResult extends SourceResult {
  readonly file?: string;
}

function unknownFlag(name: string): ConfigProblem {
  const close = nearest(name, [...SCHEMA.keys(), FILE_FLAG, 'help', 'version']) ?? FILE_FLAG;
  return { subject: `flag --${name}`, problem: `is no flag; the nearest is --${close}` };
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
      problems.push({
        subject: argument,
        problem: 'is no flag; flags are --key.path value or --key.path=value',
      });
      continue;
    }
    const name = match[1] ?? '';
    const next = argv[i + 1];
    const isNextValue = match[2] === undefined && next !== undefined && !next.startsWith('--');
    if (isNextValue) i++;
    const value = match[2] ?? (isNextValue ? next : undefined);
    if (name !== FILE_FLAG && !SCHEMA.has(name)) problems.push(unknownFlag(name));
    else if (value === undefined || value === '')
      problems.push({ subject: `flag --${name}`, problem: 'needs a value' });
    else if (name === FILE_FLAG) file = value;
    else entries.push({ key: name, value, where: `flag --${name}` });
  }
  return { entries, problems, ...(file === undefined ? {} : { file }) };
}
