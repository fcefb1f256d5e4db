// Brings in what is missing and builds: system packages, npm modules, Node, the BPF objects and the
// addon. Needs Node >= 18 and npm. A second run installs nothing and ends in seconds.
//   node scripts/setup.mjs [--build] [--test]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { libbpfArguments } from './libbpf.mjs';
import { ensurePackages } from './packages.mjs';
import { UserError, hasCommand, projectNode, root, runMain } from './project.mjs';
import { say } from './say.mjs';
import { run, stoppable } from './stops.mjs';

/** What is built, in order: the folder of the Makefile, and what comes out of it. */
const BUILDS = [
  { folder: 'bpf', what: 'the BPF programs' },
  { folder: 'native', what: 'the native addon' },
  { folder: 'hook', what: 'the hook for Node applications' },
];

/**
 * Makes the project ready and returns the path of the Node that runs it.
 * `purposes` are those of packages.mjs; 'build' among them also builds.
 */
export async function setup(purposes = ['build']) {
  if (process.platform !== 'linux')
    throw new UserError(`wirespan runs on Linux only, this is ${process.platform}`);
  return stoppable(async () => {
    await ensurePackages(purposes);
    await ensureModules();
    const node = projectNode();
    if (purposes.includes('build')) await build(node);
    return node;
  });
}

/** Runs `npm ci` when node_modules is missing or older than package-lock.json. */
export async function ensureModules() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
  )
    return;
  await say('installing npm modules (npm ci; no script of theirs is run)');
  const cli = process.env.npm_execpath;
  const [command, ...args] = cli?.endsWith('.js') ? [process.execPath, cli] : ['npm'];
  await run(command, [...args, 'ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], {
    what: 'installing npm modules',
  });
}

async function build(node) {
  mkdirSync(join(root, 'build'), { recursive: true });
  const env = { ...process.env, NODE: node, MAKEFLAGS: '', MAKELEVEL: '' };
  const libbpf = await libbpfArguments();
  for (const { folder, what } of BUILDS) {
    if (isUpToDate(folder, env, libbpf)) continue;
    await say(`building ${what}`);
    const make = ['make', '-s', '--no-print-directory', '-C', folder, '-j2', ...libbpf];
    // One build at a time: two set-ups in one checkout would write the same files.
    const [command, ...args] = hasCommand('flock')
      ? ['flock', '-F', join(root, 'build', '.lock'), ...make]
      : make;
    await run(command, args, { env, what: `building ${what}` });
  }
}

function isUpToDate(folder, env, settings) {
  const args = ['--no-print-directory', '-q', '-C', folder, ...settings];
  return spawnSync('make', args, { cwd: root, stdio: 'ignore', env }).status === 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const purposes = process.argv.includes('--test')
    ? ['build', 'lint', 'generate', 'test', 'go', 'demo', 'picture', 'package']
    : ['build'];
  await runMain(() => setup(purposes));
}
