import type { ServerSpan } from '../model/application-span.ts';
import type { Clock } from '../model/clock.ts';
import type { RequestContext, SignalRecord } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import { heldOf, HeldRecords, type Held, type ProcessNames } from './held-records.ts';
import { keysOf, ServerSpans, type SeenSpan } from './server-spans.ts';

export interface OtlpJoinOptions {
  readonly clock: Pick<Clock, 'toUnixNs' | 'now'>;
  /** How long a record waits for the span that it belongs to, nanoseconds. */
  readonly holdNs: bigint;
  /** Most records that wait. */
  readonly maxHeld: number;
  /** Inode number of the agent's own network namespace. */
  readonly netns: number;
  namesOf(owner: Owner): ProcessNames;
  /** Takes each record once, as it came or with the SERVER span as its context. */
  release(record: SignalRecord): void;
}

/** How records that waited were settled. */
export interface JoinCounters {
  hit: number;
  miss: number;
  /** Several spans fit: none was taken. */
  conflict: number;
}

/**
 * What happened so soon after a span began may be the end of a request before it that is not sampled: the SDK's clock is
 * another one, and some round to a millisecond.
 */
const startMarginNs = 5_000_000n;
/** By so much the readings of two clocks differ from one look to the next. */
const clockJitterNs = 10_000n;
const loopback = /^(?:127\.|::1$)/;

/**
 * Joins what happened to a server's connection with the SERVER span that the application exported for the request. The
 * span comes seconds later, so records of servers wait for it. See docs/decisions/0051.
 */
export class OtlpJoin {
  readonly counters: JoinCounters = { hit: 0, miss: 0, conflict: 0 };
  readonly #options: OtlpJoinOptions;
  readonly #spans = new ServerSpans();
  readonly #held: HeldRecords;

  constructor(options: OtlpJoinOptions) {
    this.#options = options;
    this.#held = new HeldRecords(options.maxHeld);
  }

  get boundsMet(): Readonly<Record<string, number>> {
    return {
      'network events that could not wait for the span of their request (10,000)': this.#held.evictions,
      'exported SERVER spans that were forgotten (20,000)': this.#spans.evictions,
    };
  }

  handle(record: SignalRecord): void {
    const held = heldOf(record, (owner) => this.#options.namesOf(owner));
    if (held === undefined) {
      if (record.kind !== 'close' || !this.#held.follow(record)) this.#options.release(record);
      return;
    }
    const over = this.#held.add(held, this.#options.clock.now());
    if (held.way === 'wire') this.#tryContext(held);
    if (over !== undefined) this.#settle(over);
  }

  /** SERVER spans that an application exported from this address. */
  see(spans: readonly ServerSpan[], exporter: string): void {
    for (const span of spans) {
      const seen = { ...span, exporter };
      this.#spans.add(seen);
      for (const held of keysOf(seen).flatMap((key) => this.#held.find(key)))
        if (held.way === 'wire') this.#tryContext(held);
    }
  }

  /** Lets go of what waited long enough. */
  tick(): void {
    const { clock, holdNs } = this.#options;
    for (const held of this.#held.since(clock.now() - holdNs)) this.#settle(held);
  }

  /** Nothing waits any longer. */
  flush(): void {
    for (const held of this.#held.since(2n ** 64n)) this.#settle(held);
  }

  /** The request came with a context, which the SERVER span has for its parent: the same bytes, a deeper span. */
  #tryContext(held: Held): void {
    const fitting = this.#fitting(held);
    if (fitting.length !== 1) return;
    this.#end(held, 'hit', fitting[0]);
  }

  /** Its time is over: what is known now is all. */
  #settle(held: Held): void {
    const fitting = this.#fitting(held);
    if (fitting.length === 1) this.#end(held, 'hit', fitting[0]);
    else this.#end(held, fitting.length === 0 ? 'miss' : 'conflict');
  }

  #end(held: Held, result: keyof JoinCounters, span?: SeenSpan): void {
    this.counters[result] += 1;
    const { release } = this.#options;
    const follower = this.#held.remove(held);
    release(span === undefined ? held.record : { ...held.record, context: this.#contextOf(held, span) });
    if (follower !== undefined) release(follower);
  }

  #fitting(held: Held): SeenSpan[] {
    const { record, way, key, names } = held;
    const peerPort = 'endpoints' in record ? record.endpoints.peerPort : undefined;
    return this.#spans
      .find(key)
      .filter((span) => isOf(names, span))
      .filter((span) =>
        way === 'peer'
          ? this.#isDuring(held, span)
          : span.peerPort === undefined || peerPort === undefined || span.peerPort === peerPort,
      );
  }

  /** While an HTTP/1 server answers, no other request is on the connection. */
  #isDuring({ record }: Held, span: SeenSpan): boolean {
    if (!('endpoints' in record)) return false;
    const { clock, netns } = this.#options;
    const timeUnixNs = clock.toUnixNs(record.timeNs);
    const isHere = loopback.test(span.exporter)
      ? record.netns === netns
      : span.exporter === record.endpoints.localAddress;
    const fromNs = span.startUnixNs + startMarginNs;
    return span.isHttp1 && isHere && fromNs <= timeUnixNs && timeUnixNs <= span.endUnixNs;
  }

  #contextOf({ record }: Held, span: SeenSpan): RequestContext {
    const { traceId, spanId, startUnixNs } = span;
    // A child that begins before its parent would be taken for one of another host.
    const sinceStartNs = this.#options.clock.toUnixNs(record.timeNs) - startUnixNs;
    const spanStartNs = record.timeNs - sinceStartNs + clockJitterNs;
    const { requestStartNs = 0n, startSeq = 0, traceFlags = 1 } = record.context ?? {};
    const startNs = spanStartNs > requestStartNs ? spanStartNs : requestStartNs;
    return {
      traceId,
      spanId,
      traceFlags,
      method: 'otlp_server',
      startSeq,
      ...(requestStartNs !== 0n && { arrivedNs: requestStartNs }),
      requestStartNs: startNs < record.timeNs ? startNs : record.timeNs,
    };
  }
}

/** Whether a process exported the span: by its own pid, else by the name of its service. */
function isOf({ pid, service }: ProcessNames, span: SeenSpan): boolean {
  if (pid !== undefined && span.pid !== undefined) return pid === span.pid;
  return service !== undefined && service === span.service;
}
