/** Debian's archive: apt checks what it has, and the machine's own lists of packages stay as they are. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PackageError, run } from './place.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What is wanted of the archive. */
export interface ArchiveRequest {
  readonly type: 'deb' | 'deb-src';
  /** Names of suites; those whose names end with `-security` are on a server of their own. */
  readonly suites: readonly string[];
  /** As Debian calls it; the machine's own by default. */
  readonly architecture?: string;
}

/** Lets `use` call apt-get in `folder`, where its lists are for so long. */
export function useArchive(
  folder: string,
  request: ArchiveRequest,
  use: (aptGet: (...words: string[]) => string) => void,
): void {
  if (!existsSync(KEYRING))
    throw new PackageError(
      `packages are made on Debian: ${KEYRING} is missing, which apt checks its archive with`,
    );
  const lists = join(folder, 'apt');
  mkdirSync(join(lists, 'lists', 'partial'), { recursive: true });
  writeFileSync(join(lists, 'debian.sources'), describeSuites(request));
  const options = [
    'Dir::Etc::SourceList=/dev/null',
    `Dir::Etc::SourceParts=${lists}`,
    `Dir::State::Lists=${join(lists, 'lists')}`,
    `Dir::Cache=${lists}`,
    'APT::Sandbox::User=root',
    ...(request.architecture === undefined
      ? []
      : [`APT::Architecture=${request.architecture}`, `APT::Architectures=${request.architecture}`]),
  ].flatMap((option) => ['-o', option]);
  const aptGet = (...words: string[]): string =>
    run('apt-get', ['-qq', ...options, ...words], { cwd: folder });
  aptGet('update');
  use(aptGet);
  rmSync(lists, { recursive: true });
}

function describeSuites({ type, suites }: ArchiveRequest): string {
  return suites
    .map((suite) => {
      const server = suite.endsWith('-security') ? 'debian-security' : 'debian';
      return `Types: ${type}\nURIs: http://deb.debian.org/${server}\nSuites: ${suite}\nComponents: main\nSigned-By: ${KEYRING}\n`;
    })
    .join('\n');
}
