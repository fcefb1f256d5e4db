import { METRIC_TCP_SUBNET_IO } from '../../semconv/index.ts';
import type { Look } from './choice.ts';
import type { FeedReader } from './reader.ts';

/** A walk over the sockets, and reading the sums, is followed by so many times as long in which there is none. */
const REST = 9;

/** What is to be looked at. */
export interface LookAsked {
  /** The sockets are walked over. */
  readonly isPass: boolean;
  /** A record is made of each connection, else of those that moved something. */
  readonly tellsAll: boolean;
  /** Names of metrics that are summed. */
  readonly metrics: ReadonlySet<string>;
  readonly listeners: boolean;
}

/**
 * When it is looked for views that show sums: at the intervals of each, for all of them. However many they are, and however
 * short their intervals, looking takes a tenth of the agent's time at most: an interval that ends in between has what
 * is known by then, and the next one the rest.
 */
export class FeedLooks {
  readonly #look: (asked: LookAsked) => Look;
  readonly #now: () => number;
  readonly #timers = new Map<FeedReader, NodeJS.Timeout>();
  #restUntilMs = 0;

  /** `now`: of a steady clock, in milliseconds. */
  constructor(look: (asked: LookAsked) => Look, now: () => number = () => performance.now()) {
    this.#look = look;
    this.#now = now;
  }

  /** From now on, and nothing of before. */
  begin(reader: FeedReader): void {
    const { sums } = reader;
    if (sums === undefined) return;
    const timer = setInterval(() => this.collect(reader), sums.intervalMs);
    this.#timers.set(reader, timer);
    this.#lookForAll(sums.live);
    reader.gains.take();
  }

  /** What this one asked for, as it is now; `isLast`: also in a time of rest. */
  collect(reader: FeedReader, isLast = false): void {
    if (!this.#timers.has(reader)) return;
    if (isLast || this.#now() >= this.#restUntilMs) this.#lookForAll(false);
    reader.collect();
    reader.flush();
  }

  end(reader: FeedReader): void {
    clearInterval(this.#timers.get(reader));
    this.#timers.delete(reader);
  }

  #lookForAll(tellsAll: boolean): void {
    const beganMs = this.#now();
    const readers = [...this.#timers.keys()];
    const asked = readers.flatMap(({ sums }) => sums ?? []);
    const metrics = new Set(asked.flatMap((sums) => sums.metrics));
    const listeners = asked.some((sums) => sums.listeners);
    const isPass = listeners || metrics.has(METRIC_TCP_SUBNET_IO.name) || asked.some(({ live }) => live);
    const look = this.#look({ isPass, tellsAll, metrics, listeners });
    for (const reader of readers) reader.look(look);
    const endedMs = this.#now();
    this.#restUntilMs = endedMs + REST * (endedMs - beganMs);
  }
}
