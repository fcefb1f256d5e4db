/** Prints figures with their spread; nothing is judged. */

export interface RowOptions {
  /** What we aim for, in the row's unit. */
  readonly aim?: string;
  readonly digits?: number;
}

const LABEL_WIDTH = 46;
const CELL_WIDTH = 11;

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

export function heading(title: string): void {
  print('');
  print(title);
  print(
    `${''.padEnd(LABEL_WIDTH)}${['min', 'median', 'max'].map((name) => name.padStart(CELL_WIDTH)).join('')}`,
  );
}

/** One figure that was measured `samples.length` times. */
export function row(label: string, unit: string, samples: readonly number[], options: RowOptions = {}): void {
  const { aim, digits = 2 } = options;
  const cell = (value: number): string => format(value, digits).padStart(CELL_WIDTH);
  const spread = [Math.min(...samples), median(samples), Math.max(...samples)].map(cell).join('');
  print(`${`  ${label}`.padEnd(LABEL_WIDTH)}${spread}  ${unit}${aim === undefined ? '' : `   aim ${aim}`}`);
}

export function note(text: string): void {
  print(`  ${text}`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function format(value: number, digits = 2): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
