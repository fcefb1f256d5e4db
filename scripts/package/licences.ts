/** What is inside the addons besides our own code, for people and for programs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LIBRARIES, sourceFolder, type Library } from './libraries.ts';
import { run } from './place.ts';

const INTRODUCTION = `prebuilt/linux-*/native/wirespan.node has these libraries inside. Their sources are Debian's, unchanged:
'apt-get source NAME=VERSION' brings them. native/ has the source of the addon and its Makefile: with

  make -C native addon LIBBPF_PREFIX=FOLDER LIBELF='libelf.a libeu.a' LIBZ=libz.a

anybody can link it with another version of them, as the LGPL asks for. The addon also has parts of GCC's libstdc++: GPL-3.0-or-later WITH GCC-exception-3.1, which asks for nothing here.

Everything else is a module of npm with its licence in its own folder; sbom.cdx.json lists all of it.
prebuilt/linux-*/bpf/wirespan.bpf.o is under bpf/LICENSE, the rest of wirespan under LICENSE.`;

/** Version of a source package as Debian counts it, e.g. `1:1.5.0-3`. */
function debianVersion(library: Library): string {
  return run('dpkg-parsechangelog', ['-S', 'Version'], { cwd: sourceFolder(library) }).trim();
}

/** Writes THIRD_PARTY_LICENSES, with every licence's text. */
export function writeLicences(folder: string): void {
  const parts = LIBRARIES.map((library) => {
    const title = `${library.source} ${debianVersion(library)} (${library.spdx})`;
    const texts = library.licences.map((name) => {
      const text = readFileSync(join(sourceFolder(library), name), 'utf8').trimEnd();
      return `--- ${library.source}: ${basename(name)}\n\n${text}`;
    });
    return [title, '='.repeat(title.length), ...texts].join('\n\n');
  });
  writeFileSync(join(folder, 'THIRD_PARTY_LICENSES'), [INTRODUCTION, ...parts].join('\n\n\n') + '\n');
}

/** The same as components of CycloneDX. */
export function describeLibraries(libraries: readonly Library[]): object[] {
  return libraries.map((library) => {
    const version = debianVersion(library);
    const purl = `pkg:deb/debian/${library.source}@${encodeURIComponent(version)}?arch=source&distro=${library.release}`;
    return {
      type: 'library',
      'bom-ref': purl,
      name: library.source,
      version,
      scope: 'required',
      purl,
      licenses: [{ expression: library.spdx }],
      description: 'linked into prebuilt/linux-*/native/wirespan.node',
    };
  });
}
