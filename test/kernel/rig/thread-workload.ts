/** `thread-publisher` of test/workloads/: many threads that connect within traces of their own, and say which. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Owner } from '../../../receiver/model/resource.ts';
import { projectFolder } from '../../backends/place.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import type { NetNamespace } from '../../support/net-namespace.ts';
import { waitFor } from '../../support/wait.ts';
import type { Watcher } from '../../support/watcher.ts';

const FOLDER = join(projectFolder, 'build', 'test', 'workloads');

export class ThreadWorkload {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: string[] = [];

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    createInterface(child.stdout).on('line', (line) => this.#lines.push(line));
  }

  /** `args`: as the program has them. */
  static start(cleanup: Cleanup, room: NetNamespace, args: readonly string[]): ThreadWorkload {
    execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'workloads')]);
    const program = join(FOLDER, 'thread-publisher');
    const child = spawn('ip', ['netns', 'exec', room.name, program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    cleanup.add(() => void child.kill());
    return new ThreadWorkload(child);
  }

  /** The process as the programs know it, by its first connection. */
  async ready(watcher: Watcher): Promise<Owner> {
    await waitFor('the workload', () => this.#lines.includes('ready'));
    const open = watcher
      .records()
      .find((record) => record.kind === 'open' && record.owner.pid === this.#child.pid);
    assert.ok(open?.kind === 'open', 'its first connection is not known');
    return open.owner;
  }

  /** What it says of its connections: `PORT LOCAL-PORT CONTEXT` each. */
  async run(): Promise<string[]> {
    this.#child.stdin.end('\n');
    await waitFor('its threads', () => this.#lines.includes('done'));
    return this.#lines.filter((line) => !['ready', 'done'].includes(line));
  }
}
