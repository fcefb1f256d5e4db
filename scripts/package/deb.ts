/** The Debian package: the tree of the npm package with its modules and Node, and what a system wants around it. */
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderCommentedConfig } from '../../config/commented.ts';
import { installTree, LIB, nodeOf, readNodeOptions, ROOT_FILES } from './installed.ts';
import { PackageError, project, readManifest, run, staging, type Machine } from './place.ts';

const TEMPLATES = join(project, 'packaging', 'debian');
const DOC = 'usr/share/doc/wirespan';

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
  for (const name of ROOT_FILES) rmSync(join(lib, name), { recursive: true, force: true });
}

/** The command: Node of the package, with the options of scripts/node-options.json. What the user has set stays. */
function launcher(machine: Machine): string {
  const options = readNodeOptions();
  const variables = Object.entries(options.environment).map(
    ([name, value]) => `export ${name}="\${${name}-${value}}"`,
  );
  const line = `exec ${[`/${nodeOf(machine)}`, ...options.arguments, `/${LIB}/receiver/main.js`].join(' ')} "$@"`;
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
