/** The packages of this checkout for this kind of machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../backends/place.ts';
import { runToEnd } from './agent.ts';

/** The first time it compiles libraries. */
const MAKE_WITHIN_MS = 550_000;
const FOLDER = join(projectFolder, 'build', 'test', 'packages');
const STAMP = join(FOLDER, 'commit');

/** Files, each by its path. */
export interface Packages {
  readonly npm: string;
  readonly deb: string;
  readonly image: string;
}

/**
 * All of them, as `npm run package` makes them. That takes longer than what is tried with them, so they are made once for
 * a commit; a tree that was changed since is packaged each time.
 */
export async function makePackages(): Promise<Packages> {
  const commit = cleanCommit();
  if (commit === undefined || !existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== commit) {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    const script = join(projectFolder, 'scripts', 'package.mjs');
    const args = [script, `--arch=${process.arch}`, `--to=${FOLDER}`];
    const made = await runToEnd('node', args, { withinMs: MAKE_WITHIN_MS });
    assert.equal(made.code, 0, made.stdout + made.stderr);
    if (commit !== undefined) writeFileSync(STAMP, commit);
  }
  return { npm: only('wirespan-*.tgz'), deb: only('wirespan_*.deb'), image: only('*.oci.tar') };
}

/** The commit that the tree is; undefined when it is another. */
function cleanCommit(): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: projectFolder, encoding: 'utf8' }).trim();
  return git('status', '--porcelain') === '' ? git('rev-parse', 'HEAD') : undefined;
}

function only(pattern: string): string {
  const paths = globSync(join(FOLDER, pattern));
  assert.equal(paths.length, 1, `${pattern}: ${paths.join(', ')}`);
  return paths[0] ?? '';
}
