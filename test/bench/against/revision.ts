/** Revisions of this repository's own history. */
import { execFileSync, spawnSync } from 'node:child_process';

/** What the working tree is called. */
export const WORKING_TREE = '.';

/**
 * The full hash of the commit that `revision` names in the repository of `folder`.
 * @throws Error with one sentence for the user
 */
export function commitOf(folder: string, revision: string): string {
  const found = git(folder, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`);
  if (found !== undefined) return found;
  const isShallow = git(folder, 'rev-parse', '--is-shallow-repository');
  if (isShallow === undefined)
    throw new Error(`${folder} is no git repository, so there is no revision '${revision}' to build`);
  if (isShallow === 'true')
    throw new Error(
      `this clone is shallow and does not have the revision '${revision}': run 'git fetch --unshallow' first`,
    );
  throw new Error(`this repository has no revision '${revision}'`);
}

/** Writes the files of a commit into an empty folder. */
export function writeCommit(folder: string, commit: string, into: string): void {
  shell(folder, `git archive ${commit} | tar -x -C "$0"`, into);
}

/** Writes the working tree with all that is built and installed into an empty folder, as links to its files. */
export function writeTree(folder: string, into: string): void {
  const others = '-mindepth 1 -maxdepth 1 ! -name .git ! -name .cache';
  shell(folder, `find . ${others} -exec cp -al -t "$0" {} +`, into);
}

function shell(cwd: string, script: string, into: string): void {
  execFileSync('sh', ['-c', script, into], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** What git prints; undefined when it fails. */
function git(cwd: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.trim() : undefined;
}
