/** How a text stands out; each is told without colour too. */
export type Style = 'plain' | 'dim' | 'bold' | 'header' | 'chosen' | 'warning';

export interface Segment {
  readonly text: string;
  readonly style: Style;
}

/** A line of the screen. */
export type FrameLine = readonly Segment[];

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** A terminal that is taken as a whole, and given back as it was. */
export interface Screen {
  readonly size: FrameSize;
  /** It shows more than ASCII. */
  readonly isUnicode: boolean;
  /** Takes the terminal; `onKey`: a character, or the name of a key such as `PAGE_UP`. */
  open(handlers: ScreenHandlers): void;
  /** What is there already is not written again. */
  draw(lines: readonly FrameLine[]): void;
  /** Gives the terminal back; again is fine. */
  close(): void;
}

export interface ScreenHandlers {
  onKey(key: string): void;
  /** Another size, or somebody else wrote on it: all of it is to be drawn. */
  onRedraw(): void;
}
