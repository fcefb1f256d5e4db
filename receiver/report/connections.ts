import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_PROCESS_EXECUTABLE_NAME,
  ATTR_PROCESS_PID,
  ATTR_TCP_CLOSE_REASON,
  ATTR_TCP_CONNECTION_BYTES_RECEIVED,
  ATTR_TCP_CONNECTION_BYTES_SENT,
  ATTR_TCP_CONNECTION_ID,
  ATTR_TCP_CONNECTION_LIFETIME,
  ATTR_TCP_CONNECTION_RTT_SMOOTHED,
  ATTR_TCP_CONNECTION_SEGMENTS_RETRANSMITTED,
  ATTR_TCP_HANDSHAKE_ROLE,
  ATTR_TCP_RETRANSMIT_SEGMENTS,
  EVENT_PACKET_DROP,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_RETRANSMIT,
} from '../../semconv/index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { NetworkEvent } from '../model/event.ts';
import { dropPeerOf, localOf, numberOf, peerOf, serviceOf, textOf } from './read.ts';
import type { ConnectionRow, Report } from './report.ts';
import { TopList } from './top-list.ts';

/** Open connections that lost something. */
const MAX_OPEN = 10_000;

type Losses = Pick<ConnectionRow, 'retransmitted' | 'drops'>;

/** Which connections were worst: of those that closed what they said then, of the others what was lost of them. */
export class WorstConnections {
  /** What was lost of those that are open yet. */
  readonly #open: BoundedCache<string, ConnectionRow>;
  readonly #byLosses = new TopList<ConnectionRow>();
  readonly #byRtt = new TopList<ConnectionRow>();
  readonly #byLifetime = new TopList<ConnectionRow>();

  constructor(maxOpen = MAX_OPEN) {
    this.#open = new BoundedCache(maxOpen, (row) => this.#rankLosses(row));
  }

  /** Open ones that were ranked before they closed, for there were too many. */
  get rankedEarly(): number {
    return this.#open.evictions;
  }

  event(event: NetworkEvent): void {
    const { name, attributes } = event;
    if (name === EVENT_TCP_CONNECTION_CLOSE.name) this.#closed(event);
    else if (name === EVENT_PACKET_DROP.name) this.#lost(event, { retransmitted: 0, drops: 1 });
    else if (name === EVENT_TCP_RETRANSMIT.name) {
      const retransmitted = numberOf(attributes, ATTR_TCP_RETRANSMIT_SEGMENTS) ?? 0;
      this.#lost(event, { retransmitted, drops: 0 });
    }
  }

  ranking(): Report['connections'] {
    for (const [id, row] of this.#open.entries()) {
      this.#open.delete(id);
      this.#rankLosses(row);
    }
    return {
      byLosses: this.#byLosses.ranking(),
      byRtt: this.#byRtt.ranking(),
      byLifetime: this.#byLifetime.ranking(),
    };
  }

  #lost(event: NetworkEvent, { retransmitted, drops }: Losses): void {
    const id = textOf(event.attributes, ATTR_TCP_CONNECTION_ID);
    if (id === '') return;
    const known = this.#open.get(id) ?? openRow(event);
    this.#open.set(id, {
      ...known,
      // A drop may have come first, and says less of the connection.
      ...(known.executable === '' && event.name === EVENT_TCP_RETRANSMIT.name && identityOf(event)),
      retransmitted: known.retransmitted + retransmitted,
      drops: known.drops + drops,
    });
  }

  #closed(event: NetworkEvent): void {
    const id = textOf(event.attributes, ATTR_TCP_CONNECTION_ID);
    const drops = this.#open.get(id)?.drops ?? 0;
    this.#open.delete(id);
    const row = closedRow(event, drops);
    this.#rankLosses(row);
    const { rtt, lifetime } = row;
    if (rtt !== undefined) this.#byRtt.offer(row, rtt);
    if (lifetime !== undefined) this.#byLifetime.offer(row, lifetime);
  }

  #rankLosses(row: ConnectionRow): void {
    const lost = row.retransmitted + row.drops;
    if (lost > 0) this.#byLosses.offer(row, lost, row.rtt ?? 0);
  }
}

function identityOf({ attributes, resource }: NetworkEvent) {
  const pid = numberOf(attributes, ATTR_PROCESS_PID);
  const role = textOf(attributes, ATTR_TCP_HANDSHAKE_ROLE);
  return {
    service: serviceOf(resource),
    executable: textOf(attributes, ATTR_PROCESS_EXECUTABLE_NAME),
    ...(pid !== undefined && { pid }),
    ...(role !== '' && { role }),
    local: localOf(attributes),
    peer: peerOf(attributes),
  };
}

function openRow(event: NetworkEvent): ConnectionRow {
  const { attributes } = event;
  const identity = identityOf(event);
  const isDrop = event.name === EVENT_PACKET_DROP.name;
  return {
    id: textOf(attributes, ATTR_TCP_CONNECTION_ID),
    ...identity,
    ...(isDrop && { peer: dropPeerOf(attributes).endpoint }),
    ...{ isOpen: true, retransmitted: 0, drops: 0 },
  };
}

function closedRow(event: NetworkEvent, drops: number): ConnectionRow {
  const { attributes } = event;
  return {
    id: textOf(attributes, ATTR_TCP_CONNECTION_ID),
    ...identityOf(event),
    isOpen: false,
    retransmitted: numberOf(attributes, ATTR_TCP_CONNECTION_SEGMENTS_RETRANSMITTED) ?? 0,
    drops,
    ...number('lifetime', attributes, ATTR_TCP_CONNECTION_LIFETIME),
    ...number('rtt', attributes, ATTR_TCP_CONNECTION_RTT_SMOOTHED),
    ...number('bytesSent', attributes, ATTR_TCP_CONNECTION_BYTES_SENT),
    ...number('bytesReceived', attributes, ATTR_TCP_CONNECTION_BYTES_RECEIVED),
    ...text('closeReason', attributes, ATTR_TCP_CLOSE_REASON),
    ...text('error', attributes, ATTR_ERROR_TYPE),
  };
}

function number(member: string, attributes: Attributes, key: string): Readonly<Record<string, number>> {
  const value = numberOf(attributes, key);
  return value === undefined ? {} : { [member]: value };
}

function text(member: string, attributes: Attributes, key: string): Readonly<Record<string, string>> {
  const value = textOf(attributes, key);
  return value === '' ? {} : { [member]: value };
}
