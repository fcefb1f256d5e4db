import { printable } from '../../cli/human.ts';
import type { CellContext } from './columns.ts';
import { bar, plain } from './frame.ts';
import { actionOf, KEY_HELP, type Action } from './keys.ts';
import type { AnyList, ListView } from './list.ts';
import { countText, shortBytes } from './text.ts';
import type { FrameLine, FrameSize } from './screen.ts';
import type { Totals } from './table.ts';

/** Longest text to filter by. */
const MAX_FILTER = 100;
/** Lines that are no rows: totals, modes, and keys at the bottom. */
const FIXED = 3;

export interface AppParts {
  /** The modes in their order. */
  readonly lists: readonly AnyList[];
  readonly context: () => CellContext;
  readonly totals: () => Totals;
  /** The time of day of what is shown. */
  readonly time: () => string;
}

type Shown = 'list' | 'detail' | 'help';

/** What is on the screen and what keys do with it. */
export class TopApp {
  readonly #parts: AppParts;
  #mode = 0;
  #shown: Shown = 'list';
  #filter = '';
  /** Keys are typed into the filter. */
  #isTyping = false;
  #sparks = false;
  #notice = '';
  /** Rows of the last frame: as far as a page goes. */
  #page = 1;
  /** Lines of a detail, or of the help, above the first one that is shown. */
  #scrolled = 0;
  isOver = false;
  isPaused = false;

  constructor(parts: AppParts) {
    this.#parts = parts;
  }

  get #list(): AnyList {
    const list = this.#parts.lists[this.#mode];
    if (list === undefined) throw new Error(`there is no mode ${String(this.#mode)}`);
    return list;
  }

  /** Words of what was missed, in the place of the keys until the next key. */
  say(words: string): void {
    this.#notice = this.#notice === '' ? words : `${this.#notice}; ${words}`;
  }

  /** There is something new to show. */
  refresh(): void {
    for (const list of this.#parts.lists) list.refresh();
  }

  /** `key`: a character, or the name of a key. */
  key(key: string): void {
    this.#notice = '';
    if (this.#isTyping) this.#type(key);
    else {
      const action = actionOf(key, this.#list.columns, this.#parts.lists.length);
      if (action !== undefined) this.#act(action);
    }
  }

  #type(key: string): void {
    if (key === 'CTRL_C') this.isOver = true;
    else if (key === 'ENTER' || key === 'KP_ENTER') this.#isTyping = false;
    else if (key === 'ESCAPE') {
      this.#isTyping = false;
      this.#filter = '';
    } else if (key === 'BACKSPACE') this.#filter = [...this.#filter].slice(0, -1).join('');
    else if ([...key].length === 1 && this.#filter.length < MAX_FILTER) this.#filter += key;
    this.refresh();
  }

  #act(action: Action): void {
    const list = this.#list;
    switch (action.do) {
      case 'quit':
        this.isOver = true;
        break;
      case 'filter':
        this.#shown = 'list';
        this.#isTyping = true;
        break;
      case 'clear':
        if (this.#shown === 'list') this.#filter = '';
        this.#shown = 'list';
        this.refresh();
        break;
      case 'detail':
      case 'help':
        this.#shown = this.#shown === action.do ? 'list' : action.do;
        this.#scrolled = 0;
        break;
      case 'sparks':
        this.#sparks = !this.#sparks;
        break;
      case 'pause':
        this.isPaused = !this.isPaused;
        break;
      case 'mode':
        this.#show(action.mode);
        break;
      case 'next-mode':
        this.#show((this.#mode + action.by + this.#parts.lists.length) % this.#parts.lists.length);
        break;
      case 'reverse':
        list.reverse();
        break;
      case 'top':
        list.top();
        break;
      case 'move':
        this.#move(action.isPage === true ? action.by * this.#page : action.by);
        break;
      case 'sort-next':
        list.sortNext(action.by);
        break;
      case 'sort':
        list.sort(action.column);
        break;
    }
  }

  #move(by: number): void {
    if (this.#shown === 'list') this.#list.move(by);
    else this.#scrolled += by;
  }

  #show(mode: number): void {
    this.#mode = mode;
    this.#shown = 'list';
  }

  /** As many lines as the screen has at most. */
  frame({ width, height }: FrameSize): readonly FrameLine[] {
    const view: ListView = { filter: this.#filter, sparks: this.#sparks, context: this.#parts.context() };
    const room = { width, height: Math.max(1, height - FIXED) };
    this.#page = Math.max(1, room.height - 1);
    const body = this.#body(view, room);
    const blank = Array.from({ length: Math.max(0, room.height - body.length) }, () => [plain('')]);
    return [
      this.#head(width),
      this.#modes(width),
      ...body.slice(0, room.height),
      ...blank,
      this.#foot(width),
    ].slice(0, height);
  }

  #body(view: ListView, room: FrameSize): readonly FrameLine[] {
    if (this.#shown === 'help') return this.#part(this.#help(room.width), room);
    const detail = this.#shown === 'detail' ? this.#list.detail(view) : undefined;
    if (detail === undefined) return this.#list.lines(view, room);
    const lines = headedLines(detail, room.width);
    return this.#part(lines, room);
  }

  /** The lines that fit, from where it was moved to. */
  #part(lines: readonly FrameLine[], { height }: FrameSize): readonly FrameLine[] {
    this.#scrolled = Math.max(0, Math.min(this.#scrolled, lines.length - height));
    return lines.slice(this.#scrolled, this.#scrolled + height);
  }

  #head(width: number): FrameLine {
    const { open, sentRate, receivedRate, retransmits } = this.#parts.totals();
    const words = [
      ...(this.isPaused ? ['STANDS STILL'] : []),
      `connections ${countText(open)}`,
      `sent ${shortBytes(sentRate)}/s`,
      `received ${shortBytes(receivedRate)}/s`,
      `retransmits ${countText(retransmits)}`,
    ];
    return bar(`wirespan ${this.#parts.time()}${words.join('  ')}`, width, 'plain');
  }

  /** The one that is shown is in brackets, not only bold. */
  #modes(width: number): FrameLine {
    const titles = this.#parts.lists.map(({ title }, i) =>
      i === this.#mode
        ? plain(`[${String(i + 1)} ${title}] `, 'bold')
        : plain(` ${String(i + 1)} ${title}  `),
    );
    const filter = this.#filter === '' ? '' : ` /${this.#filter}: ${countText(this.#list.count)} rows`;
    const used = titles.reduce((sum, { text }) => sum + text.length, 0);
    // In a very narrow terminal the mode that is shown has all of the line.
    if (used > width) return bar(`[${String(this.#mode + 1)} ${this.#list.title}]`, width, 'bold');
    return [...titles, ...bar(filter, width - used, 'bold')];
  }

  #foot(width: number): FrameLine {
    if (this.#isTyping) return bar(`/${this.#filter}_  Enter: keep, Esc: show all`, width, 'bold');
    if (this.#notice !== '') return bar(this.#notice, width, 'warning');
    const keys =
      this.#shown === 'list'
        ? 'Enter detail  / filter  < > sort  s lines  h help  q quit'
        : 'Esc back  Up Down scroll  q quit';
    return bar(keys, width, 'dim');
  }

  #help(width: number): FrameLine[] {
    const letters = this.#list.columns.map(({ letter, title }) => `${letter} ${title}`).join(', ');
    const lines = [...KEY_HELP, ['Sort by', letters] as const];
    return headedLines(lines, width);
  }
}

/** Headings, and beside them their texts, over as many lines as it takes. */
function headedLines(parts: readonly (readonly [string, string])[], width: number): FrameLine[] {
  const widest = parts.reduce((most, [heading]) => Math.max(most, heading.length), 0) + 2;
  const room = Math.max(10, width - widest);
  return parts.flatMap(([heading, text]) =>
    brokenAt(printable(text), room).map((line, i): FrameLine => {
      return [plain((i === 0 ? heading : '').padEnd(widest), 'bold'), plain(line)];
    }),
  );
}

/** Lines of at most so many characters, one at least, broken between words where that can be. */
function brokenAt(text: string, room: number): string[] {
  const lines: string[] = [];
  for (let rest = text; rest !== '' || lines.length === 0;) {
    const at = rest.length <= room ? rest.length : Math.max(rest.lastIndexOf(' ', room), 0) || room;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return lines;
}
