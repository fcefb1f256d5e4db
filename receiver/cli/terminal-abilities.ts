import type { WriteStream } from 'node:tty';

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 20;

/** Whether the cursor can be moved: not on a terminal that only prints, such as an editor's or a log of a build. */
export function canDraw({ TERM }: NodeJS.ProcessEnv): boolean {
  return TERM !== undefined && TERM !== '' && TERM !== 'dumb';
}

/** Node knows NO_COLOR, FORCE_COLOR and terminals without colours. */
export function hasColours(stream: WriteStream): boolean {
  return stream.hasColors();
}

/** Columns of a page: those of the terminal that is beside the pipe, if there is one, else what COLUMNS says. */
export function pageWidth(): number {
  const { COLUMNS } = process.env;
  const columns = [process.stdout, process.stderr].map((stream) => stream.isTTY && stream.columns);
  return Math.max(MIN_WIDTH, columns.find(Boolean) || Number(COLUMNS) || DEFAULT_WIDTH);
}
