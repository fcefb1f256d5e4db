/** Drives `reset-capture`: the RSTs of an interface, as packet(7) shows them, whoever sent or took them. */
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { projectFolder } from '../../backends/place.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import type { NetNamespace } from '../../support/net-namespace.ts';

const PROGRAM = join(projectFolder, 'build', 'test', 'kernel', 'reset-capture');

/** Where RSTs go from and to, `SOURCE-PORT DESTINATION-PORT` each. */
export interface CapturedResets {
  readonly out: string[];
  readonly in: string[];
}

export class ResetCapture {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #seen: CapturedResets = { out: [], in: [] };

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, lines: Interface) {
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** On the room's loopback, where each leaves and comes in. */
  static async open(cleanup: Cleanup, room: NetNamespace): Promise<ResetCapture> {
    execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'kernel')]);
    const words = ['netns', 'exec', room.name, PROGRAM, 'lo'];
    const child = spawn('ip', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    cleanup.add(async () => {
      child.stdin.end();
      await ended;
    });
    const capture = new ResetCapture(child, createInterface(child.stdout));
    if ((await capture.#next()) !== 'ready') throw new Error('reset-capture did not get ready');
    return capture;
  }

  /** All since the start, in order. */
  async all(): Promise<CapturedResets> {
    this.#child.stdin.write('\n');
    for (;;) {
      const line = await this.#next();
      const [way = '', ...ends] = line.split(' ');
      if (way === 'out' || way === 'in') this.#seen[way].push(ends.join(' '));
      else if (line === 'end 0') return this.#seen;
      else throw new Error(`reset-capture: '${line}'`);
    }
  }

  async #next(): Promise<string> {
    const next: IteratorResult<string, unknown> = await this.#lines.next();
    if (next.done === true) throw new Error('reset-capture ended');
    return next.value;
  }
}
