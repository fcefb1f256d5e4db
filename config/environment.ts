import type { Entry, SourceResult } from './entry.ts';
import type { ConfigProblem } from './errors.ts';
import { nearestHint } from './nearest.ts';
import { OTEL_VARIABLES, OTHERS_OTEL_VARIABLES } from './otel.ts';
import { SCHEMA } from './schema.ts';

/** A process environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the configuration file, as `--config` does. */
export const FILE_VARIABLE = 'WIRESPAN_CONFIG';

const KEY_OF: ReadonlyMap<string, string> = new Map([...SCHEMA].map(([key, { env }]) => [env, key]));

const ALL_SETTINGS = '; docs/configuration.md has all';

/** The collector's own file, and the project's tests, have variables of the same family. */
const FOREIGN = /^WIRESPAN_(COLLECTOR|TEST)_/;

/**
 * Kubernetes gives every container such variables for a Service called `wirespan`
 * or `wirespan-…`; they are no settings and no mistakes.
 */
function isServiceLink(name: string, value: string): boolean {
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name)) return true;
  return (
    /_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/.test(name) &&
    (/^\w+:\/\//.test(value) || /_\d+_/.test(name))
  );
}

function isMistake(name: string, value: string): boolean {
  if (!name.startsWith('WIRESPAN_') || name === FILE_VARIABLE) return false;
  return !FOREIGN.test(name) && !isServiceLink(name, value);
}

/**
 * Reads `WIRESPAN_*` and the standard `OTEL_*` variables. An empty variable counts as
 * not set, as OpenTelemetry has it; `WIRESPAN_*` wins over `OTEL_*` for the same key. A standard variable that nothing
 * here reads is another program's, unless its name is one of ours but for a mistake of typing.
 */
export function readEnvironment(env: Environment): SourceResult {
  const standard: Entry[] = [];
  const own: Entry[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value.trim() === '') continue;
    const where = `variable ${name}`;
    const otelKey = OTEL_VARIABLES.get(name);
    const key = KEY_OF.get(name);
    if (otelKey !== undefined) standard.push({ key: otelKey, value, where });
    else if (key !== undefined) own.push({ key, value, where });
    else if (isMistake(name, value)) {
      const hint = nearestHint(name, [...KEY_OF.keys(), FILE_VARIABLE]);
      problems.push({ subject: where, problem: `is no setting${hint === '' ? ALL_SETTINGS : hint}` });
    } else if (name.startsWith('OTEL_') && !OTHERS_OTEL_VARIABLES.has(name)) {
      const hint = nearestHint(name, OTEL_VARIABLES.keys(), { whole: true });
      if (hint !== '') problems.push({ subject: where, problem: `is no standard variable${hint}` });
    }
  }
  return { entries: [...standard, ...own], problems };
}
