/** A network namespace and a control group of a test's own: its traffic disturbs nobody and is counted alone. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeLeftovers } from './leftovers.ts';

let made = 0;

export class NetNamespace {
  readonly name: string;
  /** Inode of the namespace, as records carry it. */
  readonly inode: number;
  /** Folder of the cgroup v2 group; absent where there is no cgroup v2. */
  readonly cgroup: string | undefined;

  /** @throws when `ip netns add` fails: not root, or no iproute2 */
  constructor() {
    const top = cgroup2Mount();
    if (made === 0) removeLeftovers(top);
    made += 1;
    this.name = `wirespan-${process.pid}-${made}`;
    execFileSync('ip', ['netns', 'add', this.name]);
    this.inode = statSync(`/run/netns/${this.name}`).ino;
    this.exec('ip', 'link', 'set', 'lo', 'up');
    this.cgroup = top === undefined ? undefined : join(top, this.name);
    if (this.cgroup !== undefined) mkdirSync(this.cgroup);
  }

  /** Runs a command inside; what it prints. */
  exec(command: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, command, ...args], { encoding: 'utf8' });
  }

  sysctl(name: string, value: string): void {
    execFileSync('ip', ['netns', 'exec', this.name, 'sh', '-c', 'cat > "$0"', `/proc/sys/${name}`], {
      input: value,
    });
  }

  /** Replaces the namespace's packet filter by these rules of an input chain; none: everything passes. */
  filter(...rules: string[]): void {
    this.#filterAt('input', rules);
  }

  /** The same of an output chain: what it drops, the kernel's TCP has not sent. */
  filterOutput(...rules: string[]): void {
    this.#filterAt('output', rules);
  }

  #filterAt(hook: string, rules: readonly string[]): void {
    const chain = `table inet t { chain i { type filter hook ${hook} priority 0;\n${rules.join('\n')}\n}\n}\n`;
    execFileSync('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], {
      input: `flush ruleset\n${rules.length > 0 ? chain : ''}`,
    });
  }

  /** A counter of the namespace's TCP, e.g. `TcpRetransSegs`. */
  counter(name: string): number {
    return this.counters()(name);
  }

  /** All of them at one moment; NaN for a name that the kernel does not have. */
  counters(): (name: string) => number {
    const lines = this.exec('nstat', '-azs').split('\n');
    const values = new Map(
      lines.map((line) => line.trim().split(/\s+/)).map(([name, value]) => [name, value] as const),
    );
    return (name) => Number(values.get(name));
  }

  /** The processes inside must have ended. */
  remove(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
    if (this.cgroup === undefined) return;
    for (const pid of readFileSync(join(this.cgroup, 'cgroup.procs'), 'utf8').trim().split('\n')) {
      if (pid !== '') writeFileSync(join(this.cgroup, '..', 'cgroup.procs'), pid);
    }
    rmdirSync(this.cgroup);
  }
}

function cgroup2Mount(): string | undefined {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.find((line) => line.split(' ')[2] === 'cgroup2')?.split(' ')[1];
}
