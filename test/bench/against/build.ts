/**
 * A build that is measured: a checkout of its own with all that it needs. What this benchmark knows of how builds differ is
 * here and in programs-host.ts, which loads their programs.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';
import { startAgent, type Agent } from '../agent.ts';
import { note } from '../report.ts';
import { commitOf, WORKING_TREE, writeCommit, writeTree } from './revision.ts';

const CACHE = join(projectFolder, '.cache', 'against');
/** In a folder whose build came to its end. */
const MARK = '.built';

export interface Build {
  readonly name: string;
  readonly folder: string;
}

export const treeBuild: Build = { name: 'working tree', folder: projectFolder };

/**
 * The build of a revision, made when it is not there yet; of `.` a copy of the working tree, always made anew.
 * @throws Error with one sentence for the user when there is no such revision
 */
export function buildOf(revision: string): Build {
  if (revision === WORKING_TREE) {
    const folder = emptyFolder('tree');
    note('copying the working tree');
    writeTree(projectFolder, folder);
    return { name: 'its copy', folder };
  }
  const commit = commitOf(projectFolder, revision).slice(0, 12);
  const name = revision.length <= commit.length ? revision : commit;
  const folder = join(CACHE, commit);
  if (!existsSync(join(folder, MARK))) {
    note(`building ${revision} in ${folder}, which takes minutes; later runs use it`);
    writeCommit(projectFolder, commit, emptyFolder(commit));
    install(folder);
    writeFileSync(join(folder, MARK), '');
  }
  return { name, folder };
}

function emptyFolder(name: string): string {
  const folder = join(CACHE, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

function install(cwd: string): void {
  const run = (command: string, ...args: string[]): Buffer =>
    execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  run('npm', 'ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error');
  run(process.execPath, 'scripts/setup.mjs', '--build');
}

/** The agent of a build, by the build's own command. The caller stops it, whatever happens. */
export function startAgentOf({ folder }: Build, settings: Readonly<Record<string, string>>): Promise<Agent> {
  return startAgent(settings, [join(folder, 'bin', 'wirespan'), 'run', '--output=none']);
}

/** Runs `work` with an agent of the build, and stops it whatever happens. */
export async function withAgentOf<T>(
  build: Build,
  settings: Readonly<Record<string, string>>,
  work: (agent: Agent) => Promise<T>,
): Promise<T> {
  const agent = await startAgentOf(build, settings);
  try {
    return await work(agent);
  } finally {
    await agent.stop();
  }
}
