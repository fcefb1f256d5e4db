import { humanDuration, humanCount } from '../../cli/human.ts';
import { stateName } from '../columns.ts';

const STEPS = ['', 'K', 'M', 'G', 'T', 'P'] as const;

/** Bytes as `top` writes them: `999`, `1.5K`, `230M`; at most five characters. */
export function shortBytes(bytes: number): string {
  let step = 0;
  let rest = Math.round(bytes);
  while (step < STEPS.length - 1 && rest >= 1023.5) {
    rest /= 1024;
    step += 1;
  }
  const text = step === 0 || rest >= 99.95 ? String(Math.round(rest)) : rest.toFixed(1);
  return `${text}${STEPS[step] ?? ''}`;
}

/** Microseconds; 0: there was no sample. */
export function rttText(us: number): string {
  return us === 0 ? '-' : humanDuration(us / 1000).replace(' ', '');
}

export function countText(count: number): string {
  return humanCount(count);
}

/** As `ss` has them. */
const SHORT_STATES: Readonly<Record<string, string>> = { ESTABLISHED: 'ESTAB' };

export function shortState(state: string | undefined): string {
  const name = stateName(state);
  return SHORT_STATES[name] ?? name;
}

/** An address and its port in `width` columns: of an address that is too long the beginning is left out. */
export function endpointText(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${String(port)}`;
}
