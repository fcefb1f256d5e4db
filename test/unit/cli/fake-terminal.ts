import assert from 'node:assert/strict';
import type { LiveStream } from '../../../receiver/cli/live.ts';

/** A terminal that understands what the table writes and nothing else. */
export class FakeTerminal implements LiveStream {
  readonly size: () => { columns: number; rows: number };
  readonly listeners = new Set<(cause: string) => void>();
  isBusy = false;
  screen: string[] = [''];
  isCursorShown = true;
  raw = '';
  columns: number;
  rows: number;
  #line = 0;
  /** The first line that is seen: those above were scrolled out, and the cursor does not get there. */
  #top = 0;

  constructor(columns = 120, rows = 20) {
    this.columns = columns;
    this.rows = rows;
    this.size = () => ({ columns: this.columns, rows: this.rows });
  }

  get seen(): string[] {
    return this.screen.slice(this.#top);
  }

  write(text: string): boolean {
    this.raw += text;
    for (const [, sequence, newline, plain] of text.matchAll(
      /(\x1b\[\??\d*[A-Za-z]|\r)|(\n)|([^\x1b\r\n]+)/g,
    )) {
      if (sequence !== undefined) this.#control(sequence);
      else if (newline !== undefined) this.#nextLine();
      else this.screen[this.#line] += plain ?? '';
    }
    return true;
  }

  onGone(listener: (cause: string) => void): void {
    this.listeners.add(listener);
  }

  offGone(listener: (cause: string) => void): void {
    this.listeners.delete(listener);
  }

  #nextLine(): void {
    this.screen[++this.#line] ??= '';
    this.#top = Math.max(this.#top, this.#line - (this.rows || 24) + 1);
  }

  #control(sequence: string): void {
    const up = /^\x1b\[(\d+)A$/.exec(sequence);
    if (up !== null) this.#line = Math.max(this.#top, this.#line - Number(up[1]));
    else if (sequence === '\x1b[H') this.#line = this.#top;
    else if (sequence === '\x1b[J') this.screen = [...this.screen.slice(0, this.#line), ''];
    else if (sequence === '\x1b[?25l') this.isCursorShown = false;
    else if (sequence === '\x1b[?25h') this.isCursorShown = true;
    else assert.equal(sequence, '\r');
  }
}
