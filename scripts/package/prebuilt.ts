/** What is compiled for one kind of machine: the BPF programs, the addon and the hook's addon, and a check of them. */
import { globSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ensureLibraries } from './libraries.ts';
import { PackageError, run, staging, type Machine } from './place.ts';

/** The newest symbols of the C library that an addon may use: those of Debian 12, Ubuntu 22.04 and RHEL 9 are newer or the same. */
export const OLDEST_GLIBC = '2.34';

/** What may still be linked when it is loaded: the C library, and libgcc, which Node itself needs. A libgcc inside would need glibc 2.35. */
const ALLOWED_LIBRARIES = /^(?:libgcc_s\.so\.1|libc\.so\.6|libm\.so\.6|ld-linux-[\w-]+\.so\.\d)$/;

/** Builds into `<target>/linux-<arch>/{bpf,native,hook}/`. */
export function buildFor(machine: Machine, target: string): void {
  const libraries = ensureLibraries(machine);
  console.log(`building the programs and addons for ${machine.arch}`);
  const work = join(staging, `objects-${machine.arch}`);
  const out = join(target, `linux-${machine.arch}`);
  rmSync(out, { recursive: true, force: true });
  // What make would not link again though it is linked in another way.
  rmSync(join(work, 'native', 'wirespan.node'), { force: true });
  for (const folder of ['bpf', 'native', 'hook']) mkdirSync(join(out, folder), { recursive: true });
  const make = (folder: string, ...settings: string[]): void => {
    const env = {
      MAKEFLAGS: '',
      MAKELEVEL: '',
      LDFLAGS: '-static-libstdc++ -Wl,-z,relro,-z,now,--gc-sections',
    };
    run('make', ['-s', '-C', folder, '-j2', `LIBBPF_PREFIX=${libraries}`, ...settings], { env });
  };
  const archive = (...names: string[]): string => names.map((name) => join(libraries, 'lib', name)).join(' ');
  make('bpf', `OUT=${join(work, 'bpf')}`, `ARCH=${machine.bpf}`);
  make(
    'native',
    'addon',
    `OUT=${join(work, 'native')}`,
    `CXX=${machine.gnu}-g++`,
    `LIBELF=${archive('libelf.a', 'libeu.a')}`,
    `LIBZ=${archive('libz.a')}`,
  );
  make('hook', `OUT=${join(work, 'hook')}`, `CC=${machine.gnu}-gcc`);
  // Line numbers for debuggers go; the kernel types (BTF) stay.
  run('llvm-strip', ['-g', '-o', join(out, 'bpf/wirespan.bpf.o'), join(work, 'bpf/wirespan.bpf.o')]);
  for (const name of ['native/wirespan.node', 'hook/announce.node'])
    run(`${machine.gnu}-strip`, ['-s', '-o', join(out, name), join(work, name)]);
  for (const addon of globSync(join(out, '*', '*.node'))) checkAddon(addon, machine);
}

/**
 * An addon that would not load everywhere is not packaged.
 * @throws PackageError when it needs a newer C library or another shared library
 */
export function checkAddon(addon: string, machine: Machine): void {
  const needed = neededLibraries(run(`${machine.gnu}-objdump`, ['-p', addon]));
  const foreign = needed.filter((name) => !ALLOWED_LIBRARIES.test(name));
  if (foreign.length > 0)
    throw new PackageError(`${basename(addon)} still needs ${foreign.join(', ')} to load`);
  const newest = newestGlibc(run(`${machine.gnu}-objdump`, ['-T', addon]));
  if (compareVersions(newest, OLDEST_GLIBC) > 0)
    throw new PackageError(
      `${basename(addon)} needs glibc ${newest}, and packages promise ${OLDEST_GLIBC}: make them on Debian 12`,
    );
}

/** Names of shared libraries in what `objdump -p` prints. */
export function neededLibraries(text: string): string[] {
  return [...text.matchAll(/^ +NEEDED +(\S+)$/gm)].map(([, name = '']) => name);
}

/** The newest version of the C library that symbols in what `objdump -T` prints are of. */
export function newestGlibc(text: string): string {
  const versions = [...text.matchAll(/\bGLIBC_(\d+(?:\.\d+)+)/g)].map(([, version = '']) => version);
  return versions.reduce((newest, each) => (compareVersions(each, newest) > 0 ? each : newest), '0');
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
