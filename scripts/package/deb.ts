/** The Debian package: the tree of the npm package with its modules and Node, and what a system wants around it. */
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { renderCommentedConfig } from '../../config/commented.ts';
import { npmTree } from './npm.ts';
import { PackageError, project, readManifest, run, staging, type Machine } from './place.ts';

const TEMPLATES = join(project, 'packaging', 'debian');
const LIB = 'usr/lib/wirespan';
const DOC = 'usr/share/doc/wirespan';

/** What no running agent reads of its modules. */
const UNREAD = [
  'node_modules/**/*.{map,d.ts,d.mts,d.cts,html}',
  'node_modules/**/{.eslintrc,.eslintrc.js,.npmignore,.gitattributes}',
  'node_modules/{pino,pino-pretty}/{test,docs,benchmarks}',
  'node_modules/**/sample',
  'node_modules/node-linux-*/{include,share}',
  'node_modules/node-linux-*/*.md',
  'node_modules/.package-lock.json',
];

/** Makes the package of one machine in `target` and returns its path. */
export function makeDeb(machine: Machine, target: string): string {
  console.log(`making the Debian package for ${machine.debian}`);
  const folder = join(staging, `deb-${machine.debian}`, 'wirespan');
  rmSync(dirname(folder), { recursive: true, force: true });
  const files = join(folder, 'files');
  installTree(machine, join(files, LIB));
  addFiles(machine, files);
  addPackaging(folder);
  run('dpkg-buildpackage', ['-b', '-us', '-uc', '-d', `-a${machine.debian}`], {
    cwd: folder,
    env: { DEB_BUILD_OPTIONS: 'noautodbgsym' },
  });
  const [made] = globSync(join(dirname(folder), 'wirespan_*.deb'));
  if (made === undefined) throw new PackageError(`dpkg-buildpackage made no package in ${dirname(folder)}`);
  mkdirSync(target, { recursive: true });
  const path = join(target, made.slice(dirname(made).length + 1));
  cpSync(made, path);
  return path;
}

/** The npm package with its modules, for this machine alone. */
function installTree(machine: Machine, lib: string): void {
  const other = (path: string): boolean =>
    !/\/prebuilt\/linux-/.test(path) || path.includes(`linux-${machine.arch}`);
  cpSync(npmTree, lib, { recursive: true, filter: other });
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
}

function addFiles(machine: Machine, files: string): void {
  const lib = join(files, LIB);
  const add = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(files, path)), { recursive: true });
    writeFileSync(join(files, path), text);
    chmodSync(join(files, path), mode);
  };
  add('usr/bin/wirespan', launcher(machine), 0o755);
  add('etc/wirespan/wirespan.yaml', renderCommentedConfig());
  const say = (...words: string[]): string =>
    run(process.execPath, [join(project, 'receiver', 'main.ts'), ...words]);
  add('usr/share/man/man1/wirespan.1', say('manual'));
  add('usr/share/bash-completion/completions/wirespan', say('completion', 'bash'));
  add('usr/share/zsh/vendor-completions/_wirespan', say('completion', 'zsh'));
  add('usr/share/fish/vendor_completions.d/wirespan.fish', say('completion', 'fish'));
  // All of them: they are linked with each other.
  for (const path of globSync('**/*.md', { cwd: join(project, 'docs') }))
    add(`${DOC}/${path}`, readFileSync(join(project, 'docs', path), 'utf8'));
  for (const name of ['THIRD_PARTY_LICENSES', 'sbom.cdx.json', 'otel-collector.yaml'])
    add(`${DOC}/${name}`, readFileSync(join(lib, name), 'utf8'));
  // The documents that it links lie beside it there.
  const changes = readFileSync(join(lib, 'CHANGELOG.md'), 'utf8').replaceAll('](docs/', '](');
  add(`${DOC}/CHANGELOG.md`, changes);
  // These are the command of the npm package, and what stands in the package's documents.
  for (const name of [
    'bin',
    'scripts',
    'docs',
    'THIRD_PARTY_LICENSES',
    'sbom.cdx.json',
    'CHANGELOG.md',
    'README.md',
    'LICENSE',
  ])
    rmSync(join(lib, name), { recursive: true, force: true });
}

interface NodeOptions {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The command: Node of the package, with the options of scripts/node-options.json. What the user has set stays. */
function launcher(machine: Machine): string {
  const options = JSON.parse(
    readFileSync(join(project, 'scripts', 'node-options.json'), 'utf8'),
  ) as NodeOptions;
  const variables = Object.entries(options.environment).map(
    ([name, value]) => `export ${name}="\${${name}-${value}}"`,
  );
  const node = `/${LIB}/node_modules/node-linux-${machine.arch}/bin/node`;
  const line = `exec ${[node, ...options.arguments, `/${LIB}/receiver/main.js`].join(' ')} "$@"`;
  return ['#!/bin/sh', ...variables, line, ''].join('\n');
}

function addPackaging(folder: string): void {
  const target = join(folder, 'debian');
  cpSync(TEMPLATES, target, { recursive: true });
  const name = run('git', ['log', '-1', '--format=%an']).trim();
  const maintainer =
    process.env['DEBEMAIL'] ?? `${name} <${run('git', ['log', '-1', '--format=%ae']).trim()}>`;
  const date = run('git', ['log', '-1', '--format=%aD']).trim();
  const control = readFileSync(join(TEMPLATES, 'control'), 'utf8').replace('@MAINTAINER@', maintainer);
  writeFileSync(join(target, 'control'), control);
  const { version } = readManifest();
  writeFileSync(
    join(target, 'changelog'),
    `wirespan (${version}) unstable; urgency=medium\n\n  * /usr/share/doc/wirespan/CHANGELOG.md says what is new.\n\n -- ${maintainer}  ${date}\n`,
  );
  mkdirSync(join(target, 'source'));
  writeFileSync(join(target, 'source', 'format'), '3.0 (native)\n');
  chmodSync(join(target, 'rules'), 0o755);
}
