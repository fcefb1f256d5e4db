/**
 * libbpf, libelf and zlib for the addons of packages, built from Debian's sources so that they can be linked into a
 * shared object: Debian's own archives are for programs. Once for each kind of machine, kept in .cache/package/.
 */
import { cpSync, existsSync, globSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { useArchive } from './archive.ts';
import { cache, PackageError, run, type Machine } from './place.ts';

const BUILD_CFLAGS = '-O2 -fPIC -ffunction-sections -fdata-sections';

export interface Library {
  /** Debian's name of the source. */
  readonly source: string;
  /** The release of Debian whose source is taken. */
  readonly release: string;
  /** Texts of its licences, in its source. */
  readonly licences: readonly string[];
  readonly spdx: string;
}

/** libbpf 1.5 needs no `CAP_SYS_ADMIN` on kernels before 6.2; Debian 12 has 1.1. */
export const LIBRARIES: readonly Library[] = [
  { source: 'zlib', release: 'bookworm', licences: ['LICENSE'], spdx: 'Zlib' },
  {
    source: 'elfutils',
    release: 'bookworm',
    licences: ['COPYING-LGPLV3', 'COPYING'],
    spdx: 'LGPL-3.0-or-later OR GPL-2.0-or-later',
  },
  {
    source: 'libbpf',
    release: 'trixie',
    licences: ['LICENSE.BSD-2-Clause'],
    spdx: 'LGPL-2.1-only OR BSD-2-Clause',
  },
];

/** Where a library's source is and what it is called with its version, e.g. `libbpf-1.5.0`. */
export function sourceFolder(library: Library): string {
  const [folder] = globSync(join(cache, 'sources', `${library.source}-*/`));
  if (folder === undefined)
    throw new PackageError(`the source of ${library.source} is not in ${cache}/sources`);
  return folder;
}

/** The folder with `include/` and `lib/` for this kind of machine; builds what is not there yet. */
export function ensureLibraries(machine: Machine): string {
  ensureSources();
  const target = join(cache, `libraries-${machine.arch}`);
  if (existsSync(target)) return target;
  console.log(`building libbpf, libelf and zlib for ${machine.arch}`);
  const folder = `${target}.part`;
  rmSync(folder, { recursive: true, force: true });
  for (const name of ['include', 'lib', 'build']) mkdirSync(join(folder, name), { recursive: true });
  const [zlib, elfutils, libbpf] = LIBRARIES.map((library) => {
    const build = join(folder, 'build', library.source);
    cpSync(sourceFolder(library), build, { recursive: true, verbatimSymlinks: true });
    return build;
  }) as [string, string, string];
  buildZlib(zlib, folder, machine);
  buildLibelf(elfutils, folder, machine);
  buildLibbpf(libbpf, folder, machine);
  rmSync(join(folder, 'build'), { recursive: true });
  renameSync(folder, target);
  return target;
}

function ensureSources(): void {
  const target = join(cache, 'sources');
  if (existsSync(target)) return;
  console.log("downloading the sources of libbpf, libelf and zlib from Debian's archive");
  const folder = `${target}.part`;
  rmSync(folder, { recursive: true, force: true });
  const suites = [...new Set(LIBRARIES.map(({ release }) => release))];
  const names = LIBRARIES.map(({ source, release }) => `${source}/${release}`);
  useArchive(folder, { type: 'deb-src', suites }, (aptGet) => aptGet('source', ...names));
  renameSync(folder, target);
}

function buildZlib(source: string, target: string, machine: Machine): void {
  const env = { CC: `${machine.gnu}-gcc`, AR: `${machine.gnu}-ar`, RANLIB: `${machine.gnu}-ranlib` };
  run('./configure', ['--static', `--prefix=${target}`], {
    cwd: source,
    env: { ...env, CFLAGS: BUILD_CFLAGS },
  });
  run('make', ['-s', '-j2', 'libz.a'], { cwd: source });
  cpSync(join(source, 'libz.a'), join(target, 'lib', 'libz.a'));
  for (const name of ['zlib.h', 'zconf.h']) cpSync(join(source, name), join(target, 'include', name));
}

/** What libelf takes of the rest of elfutils is libeu. */
function buildLibelf(source: string, target: string, machine: Machine): void {
  const settings = [
    '--disable-debuginfod',
    '--disable-libdebuginfod',
    '--disable-nls',
    '--enable-deterministic-archives',
  ];
  const flags = [
    `CFLAGS=${BUILD_CFLAGS}`,
    `CPPFLAGS=-I${join(target, 'include')}`,
    `LDFLAGS=-L${join(target, 'lib')}`,
  ];
  run('./configure', ['--quiet', `--host=${machine.gnu}`, ...settings, ...flags], { cwd: source });
  for (const [folder, name] of [
    ['lib', 'libeu.a'],
    ['libelf', 'libelf.a'],
  ] as const) {
    run('make', ['-s', '-j2', '-C', folder, name], { cwd: source });
    cpSync(join(source, folder, name), join(target, 'lib', name));
  }
  for (const name of ['libelf.h', 'gelf.h', 'nlist.h'])
    cpSync(join(source, 'libelf', name), join(target, 'include', name));
}

function buildLibbpf(source: string, target: string, machine: Machine): void {
  const settings = [
    `CC=${machine.gnu}-gcc`,
    `AR=${machine.gnu}-ar`,
    'NO_PKG_CONFIG=1',
    'BUILD_STATIC_ONLY=1',
    `CFLAGS=-g -I${join(target, 'include')} ${BUILD_CFLAGS}`,
    'PREFIX=',
    'LIBDIR=/lib',
    `DESTDIR=${target}`,
  ];
  run('make', ['-s', '-j2', '-C', 'src', ...settings, 'install'], { cwd: source });
}
