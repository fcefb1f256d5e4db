/** What packages with a Node of their own have in common: the tree of the npm package with its modules, and how it is run. */
import { chmodSync, cpSync, globSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmTree } from './npm.ts';
import { project, run, staging, type Machine, type Manifest } from './place.ts';

/** Where it is on a system. */
export const LIB = 'usr/lib/wirespan';

/** What no running agent reads of its modules. */
const UNREAD = [
  'node_modules/**/*.{map,d.ts,d.mts,d.cts,html}',
  'node_modules/**/{.eslintrc,.eslintrc.js,.npmignore,.gitattributes}',
  'node_modules/{pino,pino-pretty}/{test,docs,benchmarks}',
  'node_modules/**/sample',
  'node_modules/terminal-kit/browser',
  'node_modules/node-linux-*/{include,share}',
  'node_modules/node-linux-*/*.md',
  'node_modules/.package-lock.json',
];

/** The command of the npm package, and what a system has in its folder of documents. */
export const ROOT_FILES = [
  'bin',
  'scripts',
  'docs',
  'THIRD_PARTY_LICENSES',
  'sbom.cdx.json',
  'CHANGELOG.md',
  'README.md',
  'LICENSE',
];

/** Trees that this run has made, by the machine that they are for. */
const made = new Map<string, string>();

/** Puts the npm package with its modules, for this machine alone, into a folder. */
export function installTree(machine: Machine, lib: string): void {
  const ready = made.get(machine.arch) ?? makeTree(machine);
  made.set(machine.arch, ready);
  cpSync(ready, lib, { recursive: true });
}

function makeTree(machine: Machine): string {
  const lib = join(staging, `installed-${machine.arch}`);
  rmSync(lib, { recursive: true, force: true });
  const isOurs = (path: string): boolean =>
    !/\/prebuilt\/linux-/.test(path) || path.includes(`linux-${machine.arch}`);
  cpSync(npmTree, lib, { recursive: true, filter: isOurs });
  // npm compares the kinds of machines that the package is for with the one that it runs on.
  const manifest = join(lib, 'package.json');
  const { cpu: _, ...rest } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
  writeFileSync(manifest, `${JSON.stringify(rest, undefined, 2)}\n`);
  const kind = ['--os=linux', `--cpu=${machine.arch}`, '--libc=glibc'];
  run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', ...kind], { cwd: lib });
  for (const path of globSync(UNREAD, { cwd: lib }))
    rmSync(join(lib, path), { recursive: true, force: true });
  rmSync(join(lib, 'node_modules', '.bin'), { recursive: true, force: true });
  // Commands of modules are none of the system's.
  const node = `node-linux-${machine.arch}/bin`;
  const entries = readdirSync(join(lib, 'node_modules'), { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile()))
    chmodSync(join(entry.parentPath, entry.name), entry.parentPath.endsWith(node) ? 0o755 : 0o644);
  return lib;
}

/** The path of Node on the system, without the slash at its beginning. */
export function nodeOf({ arch }: Machine): string {
  return `${LIB}/node_modules/node-linux-${arch}/bin/node`;
}

export interface NodeOptions {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** How every command runs Node. */
export function readNodeOptions(): NodeOptions {
  return JSON.parse(readFileSync(join(project, 'scripts', 'node-options.json'), 'utf8')) as NodeOptions;
}
