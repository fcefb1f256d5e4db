/** What Node takes of a system: the C and C++ libraries, from Debian's packages. Downloaded once for each kind of machine, kept in .cache/package/. */
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { useArchive } from './archive.ts';
import { cache, PackageError, run, staging, type Machine } from './place.ts';

const RELEASE = 'trixie';
const PACKAGES = ['base-files', 'libc6', 'gcc-14-base', 'libgcc-s1', 'libstdc++6'];

/** Libraries, the loader, and whose they are; nothing else of the packages is used. */
function usedFiles(machine: Machine): string[] {
  const libraries = ['ld-linux-*', 'libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1'];
  const resolver = ['libresolv.so.2', 'libnss_dns.so.2', 'libnss_files.so.2'];
  const compiler = ['libgcc_s.so.1', 'libstdc++.so.6*'];
  return [
    ...[...libraries, ...resolver, ...compiler].map((name) => `usr/lib/${machine.gnu}/${name}`),
    'usr/lib64/ld-linux-*',
    'usr/lib/ld-linux-*',
    'usr/lib/os-release',
    ...PACKAGES.map((name) => `usr/share/doc/${name}`),
  ];
}

/** Paths of Debian's packages for this kind of machine. */
function ensurePackages(machine: Machine): string[] {
  const target = join(cache, `runtime-${machine.arch}`);
  if (!existsSync(target)) {
    console.log(`downloading the C and C++ libraries for ${machine.debian} from Debian's archive`);
    const folder = `${target}.part`;
    rmSync(folder, { recursive: true, force: true });
    const suites = [RELEASE, `${RELEASE}-updates`, `${RELEASE}-security`];
    useArchive(folder, { type: 'deb', suites, architecture: machine.debian }, (aptGet) =>
      aptGet('download', ...PACKAGES),
    );
    renameSync(folder, target);
  }
  return globSync(join(target, '*.deb')).sort();
}

/**
 * Puts them into a root file system, with their records where scanners look for those, and returns them as components of
 * CycloneDX.
 */
export function installRuntime(machine: Machine, root: string): object[] {
  const debs = ensurePackages(machine);
  const whole = join(staging, `runtime-${machine.arch}`);
  rmSync(whole, { recursive: true, force: true });
  mkdirSync(whole, { recursive: true });
  for (const deb of debs) run('dpkg-deb', ['-x', deb, whole]);
  for (const path of globSync(usedFiles(machine), { cwd: whole })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const keep = (from: string): boolean =>
      !from.includes('/doc/') || /doc\/[^/]+(?:\/copyright)?$/.test(from);
    cpSync(join(whole, path), join(root, path), { recursive: true, verbatimSymlinks: true, filter: keep });
  }
  for (const name of ['lib', 'lib64'])
    if (existsSync(join(root, 'usr', name))) symlinkSync(`usr/${name}`, join(root, name));
  mkdirSync(join(root, 'etc'), { recursive: true });
  symlinkSync('../usr/lib/os-release', join(root, 'etc', 'os-release'));
  return debs.map((deb) => record(deb, root));
}

function record(deb: string, root: string): object {
  const folder = join(root, 'var', 'lib', 'dpkg', 'status.d');
  mkdirSync(folder, { recursive: true });
  const control = run('dpkg-deb', ['-f', deb]);
  const field = (name: string): string => {
    const value = new RegExp(`^${name}: (.*)$`, 'm').exec(control)?.[1];
    if (value === undefined) throw new PackageError(`${basename(deb)} has no ${name}`);
    return value;
  };
  const [name, version] = [field('Package'), field('Version')];
  writeFileSync(join(folder, name), control);
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${field('Architecture')}&distro=${RELEASE}`;
  return { type: 'library', 'bom-ref': purl, name, version, scope: 'required', purl };
}
