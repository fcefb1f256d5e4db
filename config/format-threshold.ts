import { withUnits, type Format } from './format.ts';

const TIME_UNITS: Readonly<Record<string, number>> = { us: 0.001, '': 1, ms: 1, s: 1_000, m: 60_000 };
const MAX_MS = 3_600_000;

/** A latency in milliseconds, exact to the microsecond; without a unit it is milliseconds. */
export const threshold: Format<number> = {
  expects: 'milliseconds from 0 to an hour, or with a unit: `50us`, `2ms`, `1s`',
  schema: withUnits({ type: 'number', minimum: 0, maximum: MAX_MS }, TIME_UNITS),
  read(value) {
    const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '';
    const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
    const unit = match === null ? undefined : TIME_UNITS[(match[2] ?? '').toLowerCase()];
    const microseconds = match === null || unit === undefined ? NaN : Number(match[1]) * unit * 1_000;
    const whole = Math.round(microseconds);
    if (Math.abs(microseconds - whole) < 1e-6 && whole <= MAX_MS * 1_000) return whole / 1_000;
    throw new Error('be a time of whole microseconds from 0 to an hour, such as 50us, 2ms or 1s');
  },
};
