/** What a key asks for. */
export type Action =
  | { readonly do: 'quit' | 'filter' | 'clear' | 'detail' | 'help' | 'sparks' | 'pause' | 'reverse' | 'top' }
  | { readonly do: 'mode'; readonly mode: number }
  | { readonly do: 'next-mode'; readonly by: number }
  | { readonly do: 'move'; readonly by: number; readonly isPage?: boolean }
  | { readonly do: 'sort-next'; readonly by: number }
  | { readonly do: 'sort'; readonly column: string };

/** Farther than any list is long. */
const FAR = 1e9;

const ACTIONS: Readonly<Record<string, Action>> = {
  q: { do: 'quit' },
  CTRL_C: { do: 'quit' },
  F10: { do: 'quit' },
  '/': { do: 'filter' },
  F4: { do: 'filter' },
  ESCAPE: { do: 'clear' },
  ENTER: { do: 'detail' },
  KP_ENTER: { do: 'detail' },
  h: { do: 'help' },
  '?': { do: 'help' },
  F1: { do: 'help' },
  s: { do: 'sparks' },
  ' ': { do: 'pause' },
  r: { do: 'reverse' },
  I: { do: 'reverse' },
  HOME: { do: 'top' },
  g: { do: 'top' },
  TAB: { do: 'next-mode', by: 1 },
  SHIFT_TAB: { do: 'next-mode', by: -1 },
  UP: { do: 'move', by: -1 },
  k: { do: 'move', by: -1 },
  DOWN: { do: 'move', by: 1 },
  j: { do: 'move', by: 1 },
  PAGE_UP: { do: 'move', by: -1, isPage: true },
  PAGE_DOWN: { do: 'move', by: 1, isPage: true },
  END: { do: 'move', by: FAR },
  G: { do: 'move', by: FAR },
  LEFT: { do: 'sort-next', by: -1 },
  '<': { do: 'sort-next', by: -1 },
  RIGHT: { do: 'sort-next', by: 1 },
  '>': { do: 'sort-next', by: 1 },
};

/** A column and the letter that sorts by it. */
export interface ColumnKey {
  readonly title: string;
  readonly letter: string;
}

/** What a key does in a list with these columns; undefined: nothing. */
export function actionOf(key: string, columns: readonly ColumnKey[], modes: number): Action | undefined {
  if (/^[1-9]$/.test(key) && Number(key) <= modes) return { do: 'mode', mode: Number(key) - 1 };
  const column = columns.find(({ letter }) => letter === key);
  return column === undefined ? ACTIONS[key] : { do: 'sort', column: column.title };
}

/** What `h` shows, besides the letters of columns. */
export const KEY_HELP: readonly (readonly [keys: string, meaning: string])[] = [
  ['1 to 4, Tab', 'connections, processes, containers, listeners'],
  ['Up Down PgUp PgDn End', 'choose a row; Home: always the first one'],
  ['Enter', 'all that is known of the row, and back'],
  ['< > Left Right', 'sort by the column beside'],
  ['r', 'the other way round'],
  ['/', 'show rows that have this text; Esc: all'],
  ['s', 'lines of the last intervals instead of figures, where not both fit'],
  ['Space', 'stand still, and go on'],
  ['q', 'end; Ctrl-Z: to the shell, and back with fg'],
];
