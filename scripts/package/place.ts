/** Where packaging reads and writes, and the kinds of machines that packages are for. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The project's top folder. */
export const project = dirname(dirname(import.meta.dirname));
/** What is made for users. */
export const dist = join(project, 'dist');
/** What is made on the way; a folder of it is made anew each time. */
export const staging = join(project, 'build', 'package');
/** What takes long and stays: libraries. */
export const cache = join(project, '.cache', 'package');

export interface Machine {
  /** As Node calls it. */
  readonly arch: 'x64' | 'arm64';
  /** As Debian calls it. */
  readonly debian: string;
  /** What the names of its compilers begin with. */
  readonly gnu: string;
  /** As libbpf's headers call its kernel. */
  readonly bpf: string;
}

export const MACHINES: readonly Machine[] = [
  { arch: 'x64', debian: 'amd64', gnu: 'x86_64-linux-gnu', bpf: 'x86' },
  { arch: 'arm64', debian: 'arm64', gnu: 'aarch64-linux-gnu', bpf: 'arm64' },
];

/** What is wrong with the request or this machine, in a sentence for whoever packages. */
export class PackageError extends Error {}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command and returns what it prints; when it fails, the end of all that it wrote is told. */
export function run(
  command: string,
  args: readonly string[],
  { cwd = project, env }: RunOptions = {},
): string {
  try {
    return execFileSync(command, args, {
      cwd,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 27,
    });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trimEnd().split('\n').slice(-20).join('\n');
    throw new PackageError(
      `'${[command, ...args].join(' ')}' failed in ${cwd}:\n${said === '' ? message : said}`,
    );
  }
}

/** When the commit was made that is packaged: what is made of it again bears the same time. */
export function commitTime(): Date {
  return new Date(Number(run('git', ['log', '-1', '--format=%ct']).trim()) * 1000);
}

/** The fields of the project's package.json that packages take over. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly [field: string]: unknown;
}

export function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Manifest;
}
