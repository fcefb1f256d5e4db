/** A `/proc` that a test fills. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNs } from './proc-fixture.ts';

export interface FakeProcess {
  readonly pid: number;
  readonly environ?: Readonly<Record<string, string>>;
  /** Real, effective and saved user; default 1,000. */
  readonly users?: readonly [number, number, number];
  readonly cgroup?: string;
}

export class ProcFolder {
  readonly root = mkdtempSync(join(tmpdir(), 'proc-'));

  /** Started when the processes of the fixture did. */
  add({ pid, environ = {}, users = [1_000, 1_000, 1_000], cgroup = '/' }: FakeProcess): void {
    const folder = join(this.root, String(pid));
    mkdirSync(folder);
    const fields = Array<number>(19)
      .fill(0)
      .concat(Number(startNs / 10_000_000n), 0);
    writeFileSync(join(folder, 'stat'), `${pid} (a) b) ${fields.join(' ')}\n`);
    writeFileSync(join(folder, 'cgroup'), `0::${cgroup}\n`);
    writeFileSync(
      join(folder, 'status'),
      `Name:\ta\nUid:\t${[...users, users[1]].join('\t')}\nGid:\t0\t0\t0\t0\n`,
    );
    const variables = Object.entries(environ).map(([name, value]) => `${name}=${value}\0`);
    writeFileSync(join(folder, 'environ'), variables.join(''));
  }

  /** Empties its environment. */
  empty(pid: number): void {
    writeFileSync(join(this.root, String(pid), 'environ'), '');
  }

  end(pid: number): void {
    rmSync(join(this.root, String(pid)), { recursive: true });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
