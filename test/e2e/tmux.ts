/** A real terminal for a person's commands: tmux, with a server of the test's own. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../backends/place.ts';
import { agentArgs, NODE_OPTIONS } from '../support/agent.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { colourlessEnvironment } from './terminal.ts';

export interface TmuxOptions {
  readonly width: number;
  readonly height: number;
  readonly env?: Readonly<Record<string, string>>;
}

let started = 0;

export class Tmux {
  readonly #socket: string;
  /** All that the terminal was sent, since it began. */
  readonly log: string;

  /** A shell in a terminal of this size; it goes with `cleanup`. */
  constructor(cleanup: Cleanup, { width, height, env = {} }: TmuxOptions) {
    started += 1;
    const folder = cleanup.makeFolder();
    this.#socket = join(folder, `tmux-${started}`);
    this.log = join(folder, 'log');
    const size = ['-x', String(width), '-y', String(height)];
    const shell = 'exec bash --norc --noprofile';
    execFileSync('tmux', [...this.#server, 'new-session', '-d', ...size, '-c', projectFolder, shell], {
      env: { ...colourlessEnvironment(NODE_OPTIONS.environment), LC_ALL: 'C.UTF-8', ...env },
    });
    cleanup.add(() => this.#run('kill-server'));
    this.#run('pipe-pane', '-o', `cat > ${this.log}`);
  }

  get #server(): readonly string[] {
    return ['-S', this.#socket, '-f', '/dev/null'];
  }

  #run(...args: readonly string[]): string {
    return execFileSync('tmux', [...this.#server, ...args], { encoding: 'utf8' });
  }

  /** Presses keys, by the names that tmux has for them. */
  press(...keys: readonly string[]): void {
    this.#run('send-keys', ...keys);
  }

  /** Types a text as it is. */
  type(text: string): void {
    this.#run('send-keys', '-l', text);
  }

  /** Types a command line. */
  enter(line: string): void {
    this.type(line);
    this.press('Enter');
  }

  /** Lines of the screen as a person sees them, without blanks at their ends. */
  screen(): readonly string[] {
    return this.#run('capture-pane', '-p').split('\n').slice(0, -1);
  }

  /** The screen when it has this. */
  async shows(what: RegExp): Promise<string> {
    let text = '';
    await waitFor(`the screen to have ${what}`, () => {
      text = this.screen().join('\n');
      return what.test(text);
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${text}`);
    });
    return text;
  }

  resize(width: number, height: number): void {
    this.#run('resize-window', '-x', String(width), '-y', String(height));
  }

  /** Whether a program has taken the whole terminal. */
  get isTaken(): boolean {
    return this.#run('display-message', '-p', '#{alternate_on}').trim() === '1';
  }

  /** When the shell has the terminal again. */
  async given(): Promise<void> {
    await waitFor('the terminal to be given back', () => !this.isTaken);
  }

  /** Whether the cursor is seen. */
  get hasCursor(): boolean {
    return this.#run('display-message', '-p', '#{cursor_flag}').trim() === '1';
  }

  /** Settings of the terminal's line, while a shell waits at it. */
  async settings(folder: string, name: string): Promise<string> {
    const path = join(folder, name);
    this.enter(`stty -g > ${path}; echo got-"${name}"`);
    await this.shows(new RegExp(`^got-${name}$`, 'm'));
    return execFileSync('cat', [path], { encoding: 'utf8' });
  }
}

/** A command line that runs `wirespan` with these words; `node`: more options of Node. */
export function commandLine(words: readonly string[], node: readonly string[] = []): string {
  return [process.execPath, ...node, ...agentArgs(...words)].map((word) => `'${word}'`).join(' ');
}
