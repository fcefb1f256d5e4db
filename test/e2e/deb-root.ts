/** A Debian of its own in a folder, with what a package depends on and nothing else, and programs run in it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';

/** One field of a package. */
export function fieldOf(deb: string, name: string): string {
  return execFileSync('dpkg-deb', ['-f', deb, name], { encoding: 'utf8' }).trim();
}

/** Names of what a package depends on; of several that would do, the first. */
function dependenciesOf(deb: string): string[] {
  return fieldOf(deb, 'Depends')
    .split(',')
    .map((each) => each.trim().split(/[\s|]/)[0] ?? '');
}

/** Proc and sys of the machine, seen from this command and what it starts alone. */
const MOUNTED = `
mount --rbind /proc "$0/proc"
mount --rbind /sys "$0/sys"
mount --bind /dev "$0/dev"
exec chroot "$0" "$@"
`;

export class DebianRoot {
  readonly folder: string;

  /** @throws when Debian's archive does not answer */
  constructor(cleanup: Cleanup, deb: string) {
    // Its files are of root, and users in it may go through.
    this.folder = join(cleanup.makeFolder(), 'root');
    const include = `--include=${dependenciesOf(deb).join(',')}`;
    execFileSync(
      'mmdebstrap',
      ['--quiet', '--mode=root', '--variant=essential', include, 'bookworm', this.folder],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    execFileSync('chmod', ['0755', join(this.folder, '..')]);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  /** The command line that runs a program inside; the process is that program in the end. */
  line(...command: string[]): string[] {
    return ['unshare', '--mount', '--propagation=private', 'sh', '-ec', MOUNTED, this.folder, ...command];
  }

  /** Runs a program inside and returns what it prints. Throws, with what it said, when it fails. */
  run(...command: string[]): string {
    const [program = '', ...args] = this.line(
      'env',
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'DEBIAN_FRONTEND=noninteractive',
      ...command,
    );
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }
}
