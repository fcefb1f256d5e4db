import { renderCommandHelp } from '../views/help.ts';
import { HELP_OPTION, type ViewArguments, type ViewOption } from '../views/options.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const BYTES: Readonly<Record<string, number>> = { KB: 1e3, MB: 1e6, GB: 1e9 };
const MAX_SECONDS = 86_400;
const MIN_BYTES = 100_000;
const [DEFAULT_SECONDS, DEFAULT_BYTES] = [60, 100e6];
const MAX_INTERVAL = 3600;

/** Undefined: it is no time. */
function secondsOf(value: string): number | undefined {
  const [, digits, unit = 's'] = /^(\d{1,6})([smh])?$/.exec(value) ?? [];
  const seconds = digits === undefined ? 0 : Number(digits) * (SECONDS[unit] ?? 1);
  return seconds >= 1 && seconds <= MAX_SECONDS ? seconds : undefined;
}

/** Undefined: it is no size. */
function bytesOf(value: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,9})([KMG]B)$/.exec(value) ?? [];
  const bytes = digits === undefined ? 0 : Number(digits) * (BYTES[unit] ?? 1);
  return bytes >= MIN_BYTES && bytes <= 1e12 ? bytes : undefined;
}

function intervalOf(value: string): number | undefined {
  const seconds = secondsOf(value);
  return seconds !== undefined && seconds <= MAX_INTERVAL ? seconds : undefined;
}

/** Options of `wirespan record`. */
export const RECORD_OPTIONS: readonly ViewOption[] = [
  { long: 'file', value: 'FILE', help: 'the file, which may also be given without the name of this option' },
  {
    long: 'for',
    value: 'TIME',
    check: (value) => (secondsOf(value) ? undefined : 'is no time: give 1s to 24h, such as 90s or 5m'),
    help: `so long at most; default ${String(DEFAULT_SECONDS)}s`,
  },
  {
    long: 'max-size',
    value: 'SIZE',
    check: (value) => (bytesOf(value) ? undefined : 'is no size: give 100KB to 1000GB, such as 500MB'),
    help: 'the file grows to so much at most; default 100MB',
  },
  {
    long: 'interval',
    short: 'i',
    value: 'TIME',
    check: (value) => (intervalOf(value) ? undefined : 'is no time: give 1s to 1h'),
    help: 'how often sums are read; default 1s',
  },
  { long: 'mask-addresses', short: 'm', help: 'other addresses in the place of all, networks kept apart' },
  { long: 'force', short: 'f', help: 'a file of that name is replaced' },
  HELP_OPTION,
];

/** What `wirespan record` was asked for. */
export interface RecordLimits {
  readonly seconds: number;
  readonly bytes: number;
  readonly intervalMs: number;
}

export function recordLimitsOf(args: ViewArguments): RecordLimits {
  const [time, size, interval] = [args.text('for'), args.text('max-size'), args.text('interval')];
  return {
    seconds: (time === undefined ? undefined : secondsOf(time)) ?? DEFAULT_SECONDS,
    bytes: (size === undefined ? undefined : bytesOf(size)) ?? DEFAULT_BYTES,
    intervalMs: 1000 * ((interval === undefined ? undefined : intervalOf(interval)) ?? 1),
  };
}

export function recordHelp(): string {
  return renderCommandHelp({
    name: 'record FILE',
    summary: 'writes what this host shows to a file, for wirespan replay',
    options: RECORD_OPTIONS,
    example: ['wirespan record case.wirespan --for 5m --mask-addresses', 'for a support case'],
    closing:
      'Settings of the agent are taken from the environment (WIRESPAN_CONFIG, WIRESPAN_…). What a recording holds: docs/recordings.md',
  });
}
