import type { Owner } from '../../model/resource.ts';
import type { Content, Element } from '../../report/page/element.ts';
import { h } from '../../report/page/element.ts';
import { figure, outside } from '../../report/page/elements.ts';
import { humanDuration } from '../../cli/human.ts';
import { commandOf } from '../../views/columns.ts';

/** A process as all pages name it. */
export function processText(owner: Owner): string {
  return owner.pid === 0 ? 'nobody' : `${commandOf(owner)} ${String(owner.pid)}`;
}

export function processCell(owner: Owner): Content {
  return outside(processText(owner));
}

/** Microseconds; 0: there was no sample. */
export function rttCell(us: number): Content {
  return us === 0 ? '–' : figure(us, humanDuration(us / 1e3));
}

/** Unix milliseconds as the time of day, UTC. */
export function timeCell(ms: number): Element {
  const iso = new Date(ms).toISOString();
  return h('time', { datetime: iso }, iso.slice(11, 23));
}
