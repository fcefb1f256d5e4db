import { outsideText } from '../../text/index.ts';
import { textWidth } from './text-width.ts';

const BYTE_STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const COUNT_STEPS = ['', 'k', 'M', 'G', 'T'] as const;

function scaled(value: number, base: number, steps: readonly string[]): [text: string, unit: string] {
  let step = 0;
  let rest = value;
  // A value that would round up to the base belongs to the next step: 1023.6 KiB is 1.0 MiB.
  while (step < steps.length - 1 && rest >= base - (step === 0 ? 0 : 0.5)) {
    rest /= base;
    step++;
  }
  const text =
    step === 0 ? String(Math.round(rest)) : rest < 99.95 ? rest.toFixed(1) : String(Math.round(rest));
  return [text, steps[step] ?? ''];
}

/** Bytes with a binary unit: `999 B`, `1.5 KiB`, `230 MiB`. */
export function humanBytes(bytes: number): string {
  return scaled(bytes, 1024, BYTE_STEPS).join(' ');
}

/** A count: exact below 100,000, then `123k`, `4.5M`. */
export function humanCount(count: number): string {
  return count < 100_000 ? String(Math.round(count)) : scaled(count, 1000, COUNT_STEPS).join('');
}

/** A count per second: with a digit after the point below ten. */
export function humanRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : humanCount(perSecond);
}

/** A time given in milliseconds: `85 µs`, `1.2 ms`, `340 ms`, `2.5 s`. */
export function humanDuration(ms: number): string {
  if (ms < 0.9995) return `${String(Math.round(ms * 1000))} µs`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  return ms < 999.5 ? `${String(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/**
 * A process may be named anything: what would move the cursor or take no
 * column of its own becomes `?`.
 */
export function printable(text: string): string {
  return outsideText(text).replace(/\p{M}/gu, '?');
}

/** Cuts a printable text to `width` columns, with `…` where something is left out. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let columns = 0;
  for (const character of text) {
    columns += textWidth(character);
    if (columns > width - 1) break;
    kept += character;
  }
  return width > 0 ? `${kept}…` : '';
}
