import convict from 'convict';
import type { Entry } from './entry.ts';
import { readEnvironment, type Environment, FILE_VARIABLE } from './environment.ts';
import { ConfigError, type ConfigProblem } from './errors.ts';
import { readConfigFile, type ReadFile } from './file.ts';
import { readFlags } from './flags.ts';
import { badValue } from './format.ts';
import { PROFILES, type Profile } from './profiles.ts';
import { SCHEMA } from './schema.ts';

/** Where settings come from. */
export interface ConfigSources {
  /** Flags only, without the program and the command. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly readFile: ReadFile;
}

/** Every key's value, and where those that were given came from. */
export interface Settings {
  readonly values: ReadonlyMap<string, unknown>;
  readonly origins: ReadonlyMap<string, string>;
}

type Tree = { [name: string]: unknown };

function convictSchema(): Tree {
  const root: Tree = {};
  for (const [key, { doc, format, default: value, env, sensitive }] of SCHEMA) {
    const names = key.split('.');
    const last = names.pop() ?? key;
    let group = root;
    for (const name of names) group = (group[name] ??= {}) as Tree;
    const check = (given: unknown): void => void format.read(given);
    group[last] = { doc, format: check, default: value, env, sensitive: sensitive === true };
  }
  return root;
}

/** Lays the read values over the defaults; the last check, over the whole, is convict's. */
function merge(given: ReadonlyMap<string, unknown>): Map<string, unknown> {
  const config = convict(convictSchema() as convict.Schema<Tree>, { env: {}, args: [] });
  for (const [key, value] of given) config.set(key, value);
  config.validate({ allowed: 'strict' });
  return new Map([...SCHEMA.keys()].map((key) => [key, config.get(key as never) as unknown]));
}

/**
 * Reads all sources: defaults < profile < file < environment < flags. A bad value is an error
 * even where a stronger source overrides it.
 * @throws ConfigError
 */
export function readSettings(sources: ConfigSources): Settings {
  const flags = readFlags(sources.argv);
  const environment = readEnvironment(sources.env);
  const path = flags.file ?? (sources.env[FILE_VARIABLE]?.trim() || undefined);
  const file = path === undefined ? { entries: [], problems: [] } : readConfigFile(path, sources.readFile);
  const problems: ConfigProblem[] = [...flags.problems, ...environment.problems, ...file.problems];
  const given = new Map<string, unknown>();
  const origins = new Map<string, string>();
  for (const entry of [...file.entries, ...environment.entries, ...flags.entries]) {
    const read = readEntry(entry, problems);
    if (read === undefined) continue;
    given.set(entry.key, read);
    origins.set(entry.key, entry.where);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  addProfile(given, origins);
  return { values: merge(given), origins };
}

/** Below all that is given, above the defaults. */
function addProfile(given: Map<string, unknown>, origins: Map<string, string>): void {
  const profile = given.get('profile') as Profile | undefined;
  for (const [key, value] of Object.entries(PROFILES[profile ?? 'default'])) {
    if (given.has(key)) continue;
    given.set(key, value);
    origins.set(key, `profile ${String(profile)}`);
  }
}

function readEntry({ key, value, where }: Entry, problems: ConfigProblem[]): unknown {
  const setting = SCHEMA.get(key);
  if (setting === undefined) throw new Error(`a source gave the unknown key ${key}`);
  try {
    return setting.format.read(value);
  } catch (error) {
    const isSecret = setting.sensitive === true || setting.format.isQuiet === true;
    problems.push({ subject: key, where, problem: badValue(value, error, isSecret) });
    return undefined;
  }
}
