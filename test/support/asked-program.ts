import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program that answers each line of its input with a line. */
export class AskedProgram {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** `env` is all of its environment, but for the path. */
  constructor(command: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}) {
    const [program, ...args] = command;
    this.#child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], ...env },
    });
    this.pid = this.#child.pid ?? 0;
    if (this.#child.stdout === null) throw new Error(`${program} has no output`);
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** @throws when the next line is another one */
  async expect(answer: string): Promise<void> {
    const line = await this.#next();
    if (line !== answer) throw new Error(`the program said '${line}', not '${answer}'`);
  }

  /** What it answers to a line. */
  async answer(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    return this.#next();
  }

  /** @throws when it answers something else */
  async ask(line: string, answer: string): Promise<void> {
    this.#child.stdin?.write(`${line}\n`);
    await this.expect(answer);
  }

  async #next(): Promise<string> {
    const line: IteratorResult<string, unknown> = await this.#lines.next();
    return String(line.value);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // A process that it has started sees the end of its input.
    this.#child.stdin?.end();
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}
