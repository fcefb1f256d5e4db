/** The programs of builds, loaded beside each other, of which one at a time is attached. */
import { once } from 'node:events';
import { join } from 'node:path';
import { start, waitFor, type Started } from '../children.ts';
import { ProgramReader } from '../../support/kernel-stats.ts';
import { treeBuild, type Build } from './build.ts';
import type { Pair, Sides } from './pairs.ts';

const HOST = join(import.meta.dirname, 'programs-host.ts');

/** The default programs of one build in a process of their own. */
export class HostedPrograms {
  readonly #host: Started;
  readonly #reader: ProgramReader;

  private constructor(host: Started) {
    this.#host = host;
    this.#reader = new ProgramReader(host.pid, []);
  }

  static async start({ name, folder }: Build): Promise<HostedPrograms> {
    const host = start(process.execPath, ['--disable-warning=ExperimentalWarning', HOST, folder]);
    await waitFor(`the programs of ${name}`, host, () => host.output.stdout === 'off\n' || undefined);
    return new HostedPrograms(host);
  }

  /** Runs `work` with these programs attached. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    await this.#switch('on');
    try {
      return await work();
    } finally {
      await this.#switch('off');
    }
  }

  /** Nanoseconds in the programs whose names match, until now. Nothing is counted unless `bpf_stats` is on. */
  ns(match: RegExp): number {
    return [...this.#reader.read()].reduce((sum, [name, { ns }]) => sum + (match.test(name) ? ns : 0), 0);
  }

  async close(): Promise<void> {
    this.#host.child.kill('SIGKILL');
    await this.#host.ended;
  }

  async #switch(word: 'on' | 'off'): Promise<void> {
    const { child, ended } = this.#host;
    const answered = child.stdout && once(child.stdout, 'data');
    child.stdin?.write(`${word}\n`);
    const code = await Promise.race([answered, ended]);
    if (typeof code === 'number')
      throw new Error(`the programs are gone: ${this.#host.output.stderr.trim()}`);
  }
}

/**
 * Pairs of readings with the programs of both builds loaded, and none attached. For each they are loaded anew: where the
 * kernel happens to put code and maps makes some percent of a program's time.
 */
export async function takeLoadedPairs(
  pairs: number,
  against: Build,
  take: (sides: Sides<HostedPrograms>, pair: number) => Promise<Pair>,
): Promise<Pair[]> {
  const taken: Pair[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const hosts = await Promise.all([HostedPrograms.start(against), HostedPrograms.start(treeBuild)]);
    try {
      taken.push(await take({ against: hosts[0], tree: hosts[1] }, pair));
    } finally {
      for (const host of hosts) await host.close();
    }
  }
  return taken;
}
