import { join } from 'node:path';
import { ConfigError, loadConfig, type AppConfig } from '../../../config/index.ts';
import { readTextFile } from '../../../text/index.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'config');

/** What a test gives; the rest is empty. */
export interface Given {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Content of the file that `--config` names. */
  readonly yaml?: string;
  /** Name of a file in test/fixtures/config. */
  readonly fixture?: string;
  readonly isWatched?: boolean;
}

/** The sources for `loadConfig` and `dumpConfig`. */
export function sourcesOf({ argv = [], env = {}, yaml, fixture }: Given): Parameters<typeof loadConfig>[0] {
  const file = fixture ?? (yaml === undefined ? undefined : 'test.yaml');
  return {
    argv: file === undefined ? argv : ['--config', file, ...argv],
    env,
    readFile: (path) =>
      path === 'test.yaml' && yaml !== undefined ? yaml : readTextFile(join(FIXTURES, path)),
  };
}

export function load(given: Given = {}): AppConfig {
  return loadConfig({ ...sourcesOf(given), isWatched: given.isWatched ?? false });
}

/** The message of the error that loading must end with. */
export function messageOf(given: Given): string {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('no ConfigError was thrown');
}
