import { BoundedCache } from '../model/bounded-cache.ts';
import type { TraceContext } from '../model/event.ts';
import { requestId } from '../model/ids.ts';
import type {
  DropRecord,
  ExchangeRecord,
  RequestContext,
  RetransmitRecord,
  SocketRecord,
} from '../model/record.ts';

/** Something of the bytes of a request was lost, or sent again. */
export type LossRecord = DropRecord | RetransmitRecord;

/** Losses of the bytes of one request: of a whole exchange, else close together in time. */
export interface Episode<Loss extends LossRecord> {
  /** The first: its socket, owner, type and reason stand for the episode. */
  first: Loss;
  readonly parent: TraceContext;
  lastNs: bigint;
  /** Segments sent again, or packets dropped. */
  count: number;
}

/** An exchange to which something happened, until its end is told. */
export interface Exchange {
  /** The first that was told of it: its socket and owner. */
  readonly socket: SocketRecord;
  readonly context: RequestContext;
  /** The application's span. */
  readonly parent: TraceContext;
  /** What the kernel said of it last. */
  record?: ExchangeRecord;
  retransmits?: Episode<RetransmitRecord>;
  drops?: Episode<DropRecord>;
  /** CLOCK_MONOTONIC of the last record about it. */
  heardNs: bigint;
}

/** A record about an exchange: the kernel has always read the context that its name is made of. */
type OfExchange = Pick<SocketRecord, 'netns' | 'cookie' | 'timeNs'> & { readonly context?: RequestContext };

const answeredNs = 5_000_000_000n;
const unansweredNs = 60_000_000_000n;

/**
 * Holds what was lost on requests until the spans of their exchanges have left, so that none has a parent that never
 * comes. An exchange ends when the kernel says so; else when nothing was heard of it for five seconds after its response
 * began, or for a minute before that; else when there are too many, or the agent stops.
 */
export class Exchanges {
  /** The least recently heard of first. */
  readonly #unanswered: BoundedCache<string, Exchange>;
  readonly #answered: BoundedCache<string, Exchange>;
  /** Our spans of exchanges that have ended, for what is lost later. */
  readonly #told: BoundedCache<string, TraceContext>;
  #onExchange: (exchange: Exchange) => TraceContext | undefined = () => undefined;
  #onRetransmits: (episode: Episode<RetransmitRecord>) => void = () => undefined;
  #onDrops: (episode: Episode<DropRecord>) => void = () => undefined;

  constructor(bound: number) {
    this.#unanswered = new BoundedCache(bound, (exchange, key) => this.#finish(key, exchange));
    this.#answered = new BoundedCache(bound, (exchange, key) => this.#finish(key, exchange));
    this.#told = new BoundedCache(bound);
  }

  /** Exchanges ended early because there were too many at once. */
  get cutShort(): number {
    return this.#unanswered.evictions + this.#answered.evictions;
  }

  /** `make` makes the span of an exchange, unless a cap keeps it back. */
  onExchange(make: (exchange: Exchange) => TraceContext | undefined): void {
    this.#onExchange = make;
  }

  /** `make` makes the span of an episode, whose parent is known by then. */
  onRetransmits(make: (episode: Episode<RetransmitRecord>) => void): void {
    this.#onRetransmits = make;
  }

  /** As `onRetransmits`. */
  onDrops(make: (episode: Episode<DropRecord>) => void): void {
    this.#onDrops = make;
  }

  /** Adds a retransmission to its exchange. Returns false when that does not go on: then the record is nobody's. */
  addRetransmit(record: RetransmitRecord, parent: TraceContext): boolean {
    const exchange = this.#hear(record, parent);
    if (exchange === undefined) return false;
    const { timeNs, segments } = record;
    const episode = { first: record, parent, lastNs: timeNs, count: segments };
    exchange.retransmits = joined(exchange.retransmits, episode);
    return true;
  }

  /**
   * Adds drops to their exchange, if something was heard of it and it goes on: nothing tells of a packet that is dropped
   * whether its exchange will be told. Returns false when it is not so: then they are nobody's.
   */
  addDrops(episode: Episode<DropRecord>): boolean {
    const { first } = episode;
    const key = first.context && requestId(first, first.context);
    const exchange = key && (this.#answered.get(key) ?? this.#unanswered.get(key));
    if (!exchange) return false;
    exchange.drops = joined(exchange.drops, episode);
    return true;
  }

  /** Our span of the exchange that this loss is of, when that has ended. */
  spanOf(record: OfExchange): TraceContext | undefined {
    return record.context && this.#told.get(requestId(record, record.context));
  }

  /** What the kernel says of an exchange; unless it has only begun to be answered, that is its end. */
  add(record: ExchangeRecord, parent: TraceContext): void {
    const exchange = this.#hear(record, parent);
    if (exchange === undefined) return;
    exchange.record = record;
    const key = requestId(record, exchange.context);
    this.#unanswered.delete(key);
    if (record.what === 'answered') {
      this.#answered.set(key, exchange);
    } else {
      this.#answered.delete(key);
      this.#finish(key, exchange);
    }
  }

  /** Ends those that nothing was heard of for too long before `nowNs` (CLOCK_MONOTONIC). */
  expire(nowNs: bigint): void {
    this.#endQuietest(this.#answered, nowNs - answeredNs);
    this.#endQuietest(this.#unanswered, nowNs - unansweredNs);
  }

  endAll(): void {
    this.#endQuietest(this.#answered);
    this.#endQuietest(this.#unanswered);
  }

  #endQuietest(cache: BoundedCache<string, Exchange>, untilNs?: bigint): void {
    for (let next = cache.oldest(); next !== undefined; next = cache.oldest()) {
      const [key, exchange] = next;
      if (untilNs !== undefined && exchange.heardNs > untilNs) return;
      cache.delete(key);
      this.#finish(key, exchange);
    }
  }

  /** The exchange that a record is about, a new one if need be; undefined when it has ended. */
  #hear(record: SocketRecord & OfExchange, parent: TraceContext): Exchange | undefined {
    const { context, timeNs } = record;
    if (context === undefined) return undefined;
    const key = requestId(record, context);
    if (this.#told.get(key) !== undefined) return undefined;
    let exchange = this.#answered.get(key) ?? this.#unanswered.get(key);
    if (exchange === undefined) {
      exchange = { socket: record, context, parent, heardNs: timeNs };
      this.#unanswered.set(key, exchange);
    }
    if (timeNs > exchange.heardNs) exchange.heardNs = timeNs;
    return exchange;
  }

  #finish(key: string, exchange: Exchange): void {
    const span = this.#onExchange(exchange);
    if (span !== undefined) this.#told.set(key, span);
    const { retransmits, drops } = exchange;
    const parent = span ?? exchange.parent;
    if (drops !== undefined) this.#onDrops({ ...drops, parent });
    if (retransmits !== undefined) this.#onRetransmits({ ...retransmits, parent });
  }
}

function joined<Loss extends LossRecord>(
  known: Episode<Loss> | undefined,
  more: Episode<Loss>,
): Episode<Loss> {
  if (known === undefined) return { ...more };
  if (more.first.timeNs < known.first.timeNs) known.first = more.first;
  if (more.lastNs > known.lastNs) known.lastNs = more.lastNs;
  known.count += more.count;
  return known;
}
