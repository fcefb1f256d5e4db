import type { Entry, SourceResult } from './entry.ts';
import type { ConfigProblem } from './errors.ts';
import { nearest } from './nearest.ts';
import { OTEL_VARIABLES } from './otel.ts';
import { SCHEMA } from './schema.ts';

/** A process environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the configuration file, as `--config` does. */
export const FILE_VARIABLE = 'WIRESPAN_CONFIG';

const KEY_OF: ReadonlyMap<string, string> = new Map([...SCHEMA].map(([key, { env }]) => [env, key]));

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
 * not set, as OpenTelemetry has it; `WIRESPAN_*` wins over `OTEL_*` for the same key.
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
      const close = nearest(name, [...KEY_OF.keys(), FILE_VARIABLE]) ?? FILE_VARIABLE;
      problems.push({ subject: `variable ${name}`, problem: `is no setting; the nearest is ${close}` });
    }
  }
  return { entries: [...standard, ...own], problems };
}
