import termkit from 'terminal-kit';
import type { FrameLine, FrameSize, Screen, ScreenHandlers, Style } from '../views/top/screen.ts';
import type { Output } from './output.ts';

type Attributes = termkit.ScreenBuffer.Attributes;
/** What @types/terminal-kit leaves out. */
type Terminal = termkit.Terminal & {
  width: number;
  height: number;
  readonly optimized: Record<string, string>;
};

const NORMAL: Attributes = { defaultColor: true, bgDefaultColor: true };
/** Told apart without colours as well: bold, reverse and words. Blue and yellow are told apart by nearly everybody. */
const STYLES: Readonly<Record<Style, Attributes>> = {
  plain: NORMAL,
  dim: { ...NORMAL, dim: true },
  bold: { ...NORMAL, bold: true },
  header: { color: 'black', bgColor: 'cyan' },
  chosen: { ...NORMAL, inverse: true },
  warning: { color: 'black', bgColor: 'yellow', bold: true },
};
const WITHOUT_COLOURS: Readonly<Record<Style, Attributes>> = {
  ...STYLES,
  header: { ...NORMAL, bold: true, inverse: true },
  warning: { ...NORMAL, bold: true, inverse: true },
};
const DEFAULT_SIZE: FrameSize = { width: 80, height: 24 };

/** The part of an `Output` that is used. */
type ScreenOutput = Pick<Output, 'write' | 'isBusy'>;

export interface FullScreenOptions {
  readonly stdout: ScreenOutput;
  readonly hasColours: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** What the terminal says now; zero or nothing where it does not know. */
  readonly sizeNow: () => { readonly columns?: number; readonly rows?: number };
}

/** The whole terminal: its alternate screen, without a cursor, keys as they are pressed. */
export class FullScreen implements Screen {
  readonly isUnicode: boolean;
  readonly #stdout: ScreenOutput;
  readonly #sizeNow: FullScreenOptions['sizeNow'];
  readonly #styles: Readonly<Record<Style, Attributes>>;
  readonly #terminal: Terminal;
  #buffer: termkit.ScreenBuffer;
  #handlers: ScreenHandlers | undefined;
  #isTaken = false;

  constructor({ stdout, hasColours, env, sizeNow }: FullScreenOptions) {
    this.#stdout = stdout;
    this.#sizeNow = sizeNow;
    this.#styles = hasColours ? STYLES : WITHOUT_COLOURS;
    this.isUnicode = /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
    const out = { write: (text: string): boolean => stdout.write(text), isTTY: false };
    const parts = { stdin: process.stdin, stdout: out, stderr: process.stderr, generic: env['TERM'] ?? '' };
    this.#terminal = termkit.createTerminal(parts as unknown as termkit.Terminal.CreateOptions) as Terminal;
    // The colours of the terminal are no colours of ours.
    if (!hasColours) Object.assign(this.#terminal.optimized, { defaultColor: '', bgDefaultColor: '' });
    this.#buffer = this.#newBuffer();
  }

  get size(): FrameSize {
    const { columns = 0, rows = 0 } = this.#sizeNow();
    return { width: columns || DEFAULT_SIZE.width, height: rows || DEFAULT_SIZE.height };
  }

  #newBuffer(): termkit.ScreenBuffer {
    const { width, height } = this.size;
    Object.assign(this.#terminal, { width, height });
    return new termkit.ScreenBuffer({ dst: this.#terminal, width, height });
  }

  open(handlers: ScreenHandlers): void {
    this.#handlers = handlers;
    this.#terminal.on('key', this.#onKey);
    process.stdout.on('resize', this.#redraw);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#onContinue);
    // The words of what went wrong are for the screen that is there then.
    process.prependListener('uncaughtException', this.#give);
    process.once('exit', this.#give);
    this.#take();
  }

  draw(lines: readonly FrameLine[]): void {
    // Who reads slowly misses frames and nothing else.
    if (!this.#isTaken || this.#stdout.isBusy) return;
    this.#buffer.fill({ attr: NORMAL });
    lines.forEach((line, y) => {
      let x = 0;
      for (const { text, style } of line) {
        const attr = this.#styles[style];
        this.#buffer.put({ x, y, attr, wrap: false } as termkit.ScreenBuffer.PutOptions, '%s', text);
        x = (this.#buffer as unknown as { cx: number }).cx;
      }
    });
    this.#buffer.draw({ delta: true });
  }

  close(): void {
    this.#terminal.off('key', this.#onKey);
    process.stdout.off('resize', this.#redraw);
    process.off('SIGTSTP', this.#onStop);
    process.off('SIGCONT', this.#onContinue);
    this.#give();
    process.off('uncaughtException', this.#give);
    process.off('exit', this.#give);
  }

  #take(): void {
    this.#isTaken = true;
    this.#terminal.fullscreen(true);
    this.#terminal.hideCursor();
    this.#terminal.grabInput(true);
    this.#buffer = this.#newBuffer();
  }

  readonly #give = (): void => {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    this.#terminal.grabInput(false);
    this.#terminal.styleReset();
    this.#terminal.hideCursor(false);
    this.#terminal.fullscreen(false);
  };

  readonly #onKey = (key: string): void => {
    if (key === 'CTRL_Z') process.kill(0, 'SIGTSTP');
    else this.#handlers?.onKey(key);
  };

  readonly #redraw = (): void => {
    this.#buffer = this.#newBuffer();
    this.#handlers?.onRedraw();
  };

  /** Stands still as the kernel would let it, if there is a shell to bring it back: else nothing happens. */
  readonly #onStop = (): void => {
    this.#give();
    process.off('SIGTSTP', this.#onStop);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', this.#onStop);
    this.#onContinue();
  };

  /** Whoever had the terminal meanwhile may have changed it. */
  readonly #onContinue = (): void => {
    this.#give();
    this.#take();
    this.#redraw();
  };
}
