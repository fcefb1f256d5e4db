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
  const servers = readServers();
  writeFileSync(join(lists, 'debian.sources'), describeSuites(request, servers));
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

/** Where this machine's own packages come from. */
interface Servers {
  readonly main: string;
  readonly security: string;
}

/** Those that apt is set up with, a mirror for example. */
function readServers(): Servers {
  const targets = run('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI) $(CODENAME)',
    'Created-By: Packages',
  ]);
  const lines = targets
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [string, string?]);
  const find = (isWanted: (codename: string) => boolean): string | undefined =>
    lines.find(([, codename = '']) => isWanted(codename))?.[0];
  const main = find((codename) => codename !== '' && !codename.includes('-'));
  const security = find((codename) => codename.endsWith('-security'));
  if (main === undefined || security === undefined)
    throw new PackageError(
      `apt has no archive of Debian${main === undefined ? '' : ' for security'}: name one in /etc/apt/sources.list, then 'apt-get update'`,
    );
  return { main, security };
}

function describeSuites({ type, suites }: ArchiveRequest, { main, security }: Servers): string {
  return suites
    .map((suite) => {
      const server = suite.endsWith('-security') ? security : main;
      return `Types: ${type}\nURIs: ${server}\nSuites: ${suite}\nComponents: main\nSigned-By: ${KEYRING}\n`;
    })
    .join('\n');
}
