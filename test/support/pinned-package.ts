/** Packages of npm and PyPI that tests run: in one version, installed once below `.cache/packages`. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../.cache/packages');

const QUIET_NPM = ['--ignore-scripts', '--silent', '--no-fund', '--no-audit'];

/** A folder for `NODE_PATH`. No script of a module is run. @throws when npm fails */
export function fromNpm(name: string, version: string): string {
  const home = installed(`npm-${name}-${version}`, (scratch) =>
    run('npm', ['install', '--prefix', scratch, ...QUIET_NPM, `${name}@${version}`]),
  );
  return join(home, 'node_modules');
}

/** A folder for `PYTHONPATH`. @throws when pip fails, or there is no python3 */
export function fromPypi(name: string, version: string): string {
  // What is compiled in it belongs to one version of the language.
  const tag = execFileSync('python3', ['-c', 'import sys; print(sys.implementation.cache_tag)'], {
    encoding: 'utf8',
  }).trim();
  const home = installed(`pypi-${name}-${version}-${tag}`, (scratch) => {
    // A Python of a distribution has pip only in environments of its own.
    const pip = join(scratch, 'venv');
    const target = join(scratch, 'packages');
    run('python3', ['-m', 'venv', pip]);
    const quiet = ['--quiet', '--disable-pip-version-check'];
    run(join(pip, 'bin/python'), [
      '-m',
      'pip',
      'install',
      ...quiet,
      '--target',
      target,
      `${name}==${version}`,
    ]);
    rmSync(pip, { recursive: true });
  });
  return join(home, 'packages');
}

/** It gets its name only when it is whole: installations side by side, or broken off, leave no half one. */
function installed(name: string, install: (scratch: string) => void): string {
  const home = join(folder, name);
  if (existsSync(home)) return home;
  const scratch = `${home}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    install(scratch);
    if (!existsSync(home)) renameSync(scratch, home);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return home;
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
