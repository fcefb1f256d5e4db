/** The image unpacked for an OCI runtime, and command lines that run it as container engines have it run. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMounts, inCgroup } from '../support/cgroups.ts';
import type { Cleanup } from '../support/cleanup.ts';

/** What an engine gives the process, as it writes it for the runtime. */
export interface Context {
  readonly uid: number;
  /** Without the prefix `CAP_`. */
  readonly capabilities: readonly string[];
  /** Sets besides the bounding set that have them. */
  readonly sets: readonly ('permitted' | 'effective' | 'inheritable' | 'ambient')[];
  readonly noNewPrivileges: boolean;
}

/** What is changed here of a runtime's configuration. */
interface RuntimeConfig {
  readonly process: object & { readonly env: readonly string[] };
  readonly root: object;
  readonly mounts: readonly { readonly destination: string }[];
  readonly linux: object;
}

/** The root of version 2 where runtimes look for it: they refuse hosts with both versions. */
const UNIFIED = 'mount --bind "$0" /sys/fs/cgroup 2>/dev/null || test "$0" = /sys/fs/cgroup; exec "$@"';

/** Files and processes that the machine has, not the container: as docs/installing.md says. */
const MOUNTS = [
  { destination: '/sys/fs/cgroup', type: 'none', source: '/sys/fs/cgroup', options: ['bind', 'ro'] },
  { destination: '/etc/machine-id', type: 'none', source: '/etc/machine-id', options: ['bind', 'ro'] },
];

export class Bundle {
  readonly #folder: string;
  readonly #cleanup: Cleanup;
  readonly #config: RuntimeConfig;
  #count = 0;

  /** Unpacks `image` (`LAYOUT:TAG`) into a new folder. */
  constructor(cleanup: Cleanup, image: string) {
    this.#cleanup = cleanup;
    const around = cleanup.makeFolder();
    this.#folder = join(around, 'bundle');
    execFileSync('umoci', ['unpack', '--image', image, this.#folder], { stdio: 'pipe' });
    // Users go through to their programs.
    execFileSync('chmod', ['0755', around, this.#folder]);
    this.#config = JSON.parse(readFileSync(join(this.#folder, 'config.json'), 'utf8')) as RuntimeConfig;
  }

  path(name: string): string {
    return join(this.#folder, 'rootfs', name);
  }

  /** The words of a runtime with its state beside the bundle. */
  runtime(...words: string[]): string[] {
    return ['crun', `--root=${join(this.#folder, '..', 'state')}`, '--cgroup-manager=disabled', ...words];
  }

  /**
   * Writes the runtime's configuration and returns the name of the container, and the command line that runs it; the
   * container is that command's only child. `words`: instead of what the image says. `group`: a cgroup's folder.
   */
  container(
    context: Context,
    env: Readonly<Record<string, string>>,
    { words, group }: { readonly words?: readonly string[]; readonly group?: string } = {},
  ): { readonly name: string; readonly line: string[] } {
    writeFileSync(join(this.#folder, 'config.json'), JSON.stringify(this.#describe(context, env, words)));
    this.#count += 1;
    const name = `wirespan-${String(process.pid)}-${String(this.#count)}`;
    this.#cleanup.add(() => {
      const [command = '', ...args] = this.runtime('delete', '--force', name);
      execFileSync(command, args, { stdio: 'ignore' });
    });
    const { v2 } = cgroupMounts();
    if (v2 === undefined) throw new Error('this machine has no control groups of version 2');
    const run = this.runtime('run', `--bundle=${this.#folder}`, name);
    const unshared = ['unshare', '--mount', '--propagation=private', 'sh', '-ec', UNIFIED, v2, ...run];
    return { name, line: group === undefined ? unshared : [...inCgroup(group), ...unshared] };
  }

  #describe(
    { uid, capabilities, sets, noNewPrivileges }: Context,
    env: Readonly<Record<string, string>>,
    words: readonly string[] | undefined,
  ): object {
    const { process: started, root, mounts, linux } = this.#config;
    const held = capabilities.map((name) => `CAP_${name}`);
    const has = Object.fromEntries(['bounding', ...sets].map((set) => [set, held]));
    const machine = [...MOUNTS.map(({ destination }) => destination), '/dev/mqueue'];
    return {
      ...this.#config,
      hostname: undefined,
      process: {
        ...started,
        ...(words === undefined ? {} : { args: ['/usr/bin/wirespan', ...words] }),
        env: [...started.env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
        user: { uid, gid: uid },
        capabilities: has,
        noNewPrivileges,
        terminal: false,
      },
      root: { ...root, readonly: true },
      mounts: [...mounts.filter(({ destination }) => !machine.includes(destination)), ...MOUNTS],
      // Processes, addresses and the host's name are the machine's.
      linux: { ...linux, namespaces: [{ type: 'mount' }, { type: 'ipc' }] },
    };
  }
}
