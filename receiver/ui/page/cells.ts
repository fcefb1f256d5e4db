import { processId } from '../../model/ids.ts';
import type { Owner } from '../../model/resource.ts';
import type { Content, Element } from '../../report/page/element.ts';
import { h } from '../../report/page/element.ts';
import { figure, outside } from '../../report/page/elements.ts';
import { humanDuration } from '../../cli/human.ts';
import { commandOf } from '../../views/columns.ts';
import type { TopConnection } from '../../views/top/connection.ts';
import { endpointText } from '../../views/top/text.ts';

/** A process as all pages name it. */
export function processText(owner: Owner): string {
  return owner.pid === 0 ? 'nobody' : `${commandOf(owner)} ${String(owner.pid)}`;
}

/** Leads to what is plotted of it. */
export function processCell(owner: Owner): Content {
  return timeLink('process', processId(owner), processText(owner));
}

export function localCell(connection: TopConnection): Content {
  return timeLink('connection', connection.id, localOf(connection));
}

function timeLink(of: 'process' | 'connection', id: string, text: string): Content {
  return h('a', { href: `./time?${of}=${encodeURIComponent(id)}` }, outside(text));
}

export function localOf({ endpoints }: TopConnection): string {
  return endpointText(endpoints.localAddress, endpoints.localPort);
}

export function remoteOf({ endpoints }: TopConnection): string {
  return endpointText(endpoints.peerAddress, endpoints.peerPort);
}

/** A connection, with who has it. */
export function connectionText(connection: TopConnection): string {
  return `${processText(connection.owner)}, ${localOf(connection)} → ${remoteOf(connection)}`;
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
