import { TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK as SYN_ACK } from '../../../semconv/index.ts';
import { BoundedCache } from '../../model/bounded-cache.ts';
import { processId, socketId } from '../../model/ids.ts';
import type {
  ConnectionRecord,
  ExchangeRecord,
  KernelRecord,
  RetransmitRecord,
  SocketRecord,
  StateRecord,
} from '../../model/record.ts';
import type { Owner } from '../../model/resource.ts';
import { TopConnection } from './connection.ts';
import { Groups, type TopGroup } from './groups.ts';
import type { Traffic } from './traffic.ts';

/** How long a connection is shown after its end, and how many of those; of more, the oldest are left out. */
const ENDED = { lingerNs: 5_000_000_000n, most: 4_096 } as const;

export interface TopTableOptions {
  /** Connections, processes and containers, of each so many. */
  readonly maxRemembered: number;
  /** What tells the containers of processes apart. */
  readonly containerIdOf: (owner: Owner) => string;
  readonly toUnixNs: (monotonicNs: bigint) => bigint;
  /** How long ended connections are shown, and how many; absent: five seconds, 4,096. */
  readonly ended?: { readonly lingerNs: bigint; readonly most: number };
}

/** Figures of all connections. */
export interface Totals {
  readonly open: number;
  readonly sentRate: number;
  readonly receivedRate: number;
  /** In the last interval. */
  readonly retransmits: number;
}

/** From records to what is known of connections, processes and containers. */
export class TopTable {
  readonly processes: Groups;
  readonly containers: Groups;
  readonly #toUnixNs: (monotonicNs: bigint) => bigint;
  readonly #lingerNs: bigint;
  readonly #open: BoundedCache<string, TopConnection>;
  readonly #closed: BoundedCache<string, TopConnection>;
  #active = new Set<TopConnection>();
  /** Number of the interval that goes on. */
  #interval = 0;
  /** What must stay though it is over. */
  #pinned: TopConnection | undefined;

  constructor({ maxRemembered, containerIdOf, toUnixNs, ended = ENDED }: TopTableOptions) {
    this.#toUnixNs = toUnixNs;
    this.#lingerNs = ended.lingerNs;
    this.#open = new BoundedCache(maxRemembered);
    this.#closed = new BoundedCache(Math.min(ended.most, maxRemembered));
    this.processes = new Groups(maxRemembered);
    this.containers = new Groups(maxRemembered, containerIdOf);
  }

  /** The last interval that is over. */
  get interval(): number {
    return this.#interval - 1;
  }

  take(record: KernelRecord): void {
    if (record.kind === 'state') this.#change(record);
    else if (record.kind === 'live') this.#tell(this.#meet(record), record);
    else if (record.kind === 'close') this.#close(record);
    else if (record.kind === 'fail') this.#fail(record);
    else if (record.kind === 'retransmit') this.#resend(record);
    else if (record.kind === 'exchange' || record.kind === 'handshake') this.#request(record);
  }

  /** The one that this record is of, with who has it now. */
  #meet(record: SocketRecord & Pick<KernelRecord, 'kind'>): TopConnection {
    const id = socketId(record);
    const known = this.#open.get(id) ?? this.#closed.get(id) ?? new TopConnection(record);
    // Who accepted it is known after it was opened.
    if (known.isOpened && processId(known.owner) !== processId(record.owner)) {
      for (const group of this.#groupsOf(known.owner)) group.opened -= 1;
      for (const group of this.#groupsOf(record.owner)) group.opened += 1;
    }
    known.meet(record);
    if (known.closedNs === undefined && !isOver(record)) this.#open.set(id, known);
    return known;
  }

  #groupsOf(owner: Owner): readonly [TopGroup, TopGroup] {
    return [this.processes.of(owner), this.containers.of(owner)];
  }

  #change(record: StateRecord): void {
    const { state, previous, timeNs } = record;
    if (state === 'listen' || previous === 'listen') return;
    const id = socketId(record);
    // A socket may connect again.
    if (previous === 'closed') this.#closed.delete(id);
    const connection = this.#meet(record);
    if (connection.steps.length === 0 && previous !== 'closed' && previous !== 'syn_received')
      connection.enter(previous, 0n);
    connection.enter(state, timeNs);
    if (state === 'established' && !connection.isOpened) {
      connection.isOpened = true;
      for (const group of this.#groupsOf(connection.owner)) group.opened += 1;
    }
    if (state === 'closed') this.#end(connection, timeNs);
  }

  /** What it moved since it was told of last. An older one is first told of with all of its life. */
  #tell(connection: TopConnection, record: ConnectionRecord): void {
    const told = { sent: Number(record.bytesSent), received: Number(record.bytesReceived) };
    const isMet = connection.told !== undefined;
    const before = connection.told ?? (record.preexisting ? told : { sent: 0, received: 0 });
    connection.told = told;
    const [sent, received] = [told.sent - before.sent, told.received - before.received];
    if (record.kind === 'live' && connection.steps.length === 0)
      connection.enter(record.state ?? 'established', record.preexisting ? 0n : record.establishedNs);
    for (const { traffic } of this.#countersOf(connection)) {
      traffic.move(sent, received);
      traffic.sample(record.rttSmoothedUs);
    }
    this.#settle(connection, record.segmentsRetransmitted, isMet || !record.preexisting);
    const { traffic } = connection;
    [traffic.sent, traffic.received] = [told.sent, told.received];
  }

  /** The kernel's own count has those too that no program saw. `isOurs`: all of them were in the view's time. */
  #settle(connection: TopConnection, retransmits: number, isOurs: boolean): void {
    const unseen = retransmits - connection.traffic.retransmits;
    if (isOurs && unseen > 0) for (const { traffic } of this.#countersOf(connection)) traffic.resend(unseen);
    connection.traffic.retransmits = retransmits;
  }

  #countersOf(connection: TopConnection): readonly { readonly traffic: Traffic }[] {
    this.#active.add(connection);
    return [connection, ...this.#groupsOf(connection.owner)];
  }

  #close(record: ConnectionRecord): void {
    const connection = this.#meet(record);
    this.#tell(connection, record);
    connection.closeReason = record.closeReason;
    connection.error = record.error;
    for (const group of this.#groupsOf(record.owner)) group.closed += 1;
    this.#end(connection, record.timeNs);
  }

  #fail(record: ConnectionRecord): void {
    const connection = this.#meet(record);
    connection.error = record.error;
    for (const group of this.#groupsOf(record.owner)) group.failed += 1;
    this.#end(connection, record.timeNs);
  }

  #end(connection: TopConnection, timeNs: bigint): void {
    connection.enter('closed', timeNs);
    connection.closedNs ??= timeNs;
    this.#open.delete(connection.id);
    this.#closed.set(connection.id, connection);
  }

  #resend(record: RetransmitRecord): void {
    // The handshake that it is of may become no connection.
    if (record.type === SYN_ACK) {
      for (const { traffic } of this.#groupsOf(record.owner)) traffic.resend(record.segments);
      return;
    }
    const connection = this.#meet(record);
    for (const { traffic } of this.#countersOf(connection)) traffic.resend(record.segments);
    if (record.context !== undefined) connection.request(record.context.traceId);
  }

  #request(record: ConnectionRecord | ExchangeRecord): void {
    if (record.context !== undefined) this.#meet(record).request(record.context.traceId);
  }

  /** Ends an interval of `seconds` at `unixNs` (Unix nanoseconds). */
  end(seconds: number, unixNs: bigint): void {
    const active = this.#active;
    this.#active = new Set();
    for (const connection of active) {
      const { traffic } = connection;
      traffic.end(this.#interval, seconds);
      if (traffic.sentRate + traffic.receivedRate + traffic.lastRetransmits > 0) this.#active.add(connection);
    }
    const open = this.#openNow();
    for (const groups of [this.processes, this.containers]) groups.end(this.#interval, seconds, open);
    for (const [id, { closedNs }] of this.#closed.entries())
      if (closedNs !== undefined && this.#toUnixNs(closedNs) + this.#lingerNs < unixNs)
        this.#closed.delete(id);
    this.#interval += 1;
  }

  #openNow(): TopConnection[] {
    return this.#open.entries().map(([, connection]) => connection);
  }

  /** Those that are open, those that ended a moment ago, and the one that must stay. */
  connections(): TopConnection[] {
    const rows = [...this.#openNow(), ...this.#closed.entries().map(([, connection]) => connection)];
    const pinned = this.#pinned;
    return pinned === undefined || rows.includes(pinned) ? rows : [...rows, pinned];
  }

  /** It is shown until another one is, also when it is over. */
  pin(connection: TopConnection | undefined): void {
    this.#pinned = connection;
  }

  totals(): Totals {
    const groups = this.processes.rows().map(({ traffic }) => traffic);
    const sum = (figure: (traffic: Traffic) => number): number =>
      groups.reduce((all, traffic) => all + figure(traffic), 0);
    return {
      open: this.#open.size,
      sentRate: sum(({ sentRate }) => sentRate),
      receivedRate: sum(({ receivedRate }) => receivedRate),
      retransmits: sum(({ lastRetransmits }) => lastRetransmits),
    };
  }

  /** What its bounds left out, in words. */
  notes(): string[] {
    const words: readonly (readonly [number, string])[] = [
      [
        this.#open.evictions,
        'times a connection made room for a newer one: it is shown again when it moves something',
      ],
      [
        this.#closed.evictions,
        'connections that ended made room for others that did: they were shown for less time',
      ],
      [this.processes.forgotten, 'times a process made room for another one: its sums begin anew'],
      [this.containers.forgotten, 'times a container made room for another one: its sums begin anew'],
    ];
    return words.filter(([count]) => count > 0).map(([count, what]) => `${String(count)} ${what}`);
  }
}

/** It is the end of one that may not be known: nobody has to make room for it. */
function isOver(record: SocketRecord & Pick<KernelRecord, 'kind'>): boolean {
  return record.kind === 'close' || record.kind === 'fail';
}
