import { BoundedCache } from '../model/bounded-cache.ts';
import type { TraceContext } from '../model/event.ts';
import { requestId, socketId } from '../model/ids.ts';
import type { Episode, LossRecord } from '../correlate/exchanges.ts';

const quietNs = 1_000_000_000n;

/**
 * Groups losses into episodes; each comes out exactly once. Holds at most
 * `maxEpisodes`: one more ends the quietest early.
 */
export class LossEpisodes<Loss extends LossRecord> {
  /** Each look at an episode is for a loss of it: the least recently used is the quietest. */
  readonly #episodes: BoundedCache<string, Episode<Loss>>;
  readonly #keysBySocket = new Map<string, Set<string>>();
  readonly #onEnd: (episode: Episode<Loss>) => void;

  constructor(maxEpisodes: number, onEnd: (episode: Episode<Loss>) => void) {
    this.#episodes = new BoundedCache(maxEpisodes, (episode, key) => this.#ended(key, episode));
    this.#onEnd = onEnd;
  }

  /** Episodes ended early because there were too many at once. */
  get cutShort(): number {
    return this.#episodes.evictions;
  }

  /** `count`: how many segments or packets the record is of. */
  add(record: Loss, parent: TraceContext, count: number): void {
    const key = episodeKey(record, parent);
    const known = this.#episodes.get(key);
    if (known !== undefined && record.timeNs - known.lastNs < quietNs) {
      if (record.timeNs > known.lastNs) known.lastNs = record.timeNs;
      known.count += count;
      return;
    }
    if (known !== undefined) this.#end(key, known);
    this.#begin(key, { first: record, parent, lastNs: record.timeNs, count });
  }

  /** Ends those without a loss in the second before `nowNs` (CLOCK_MONOTONIC). */
  expire(nowNs: bigint): void {
    this.#endQuietest(({ lastNs }) => nowNs - lastNs >= quietNs);
  }

  /** Ends those of a socket. */
  endSocket(netns: number, cookie: bigint): void {
    if (this.#episodes.size === 0) return;
    for (const key of [...(this.#keysBySocket.get(socketId({ netns, cookie })) ?? [])]) {
      const episode = this.#episodes.get(key);
      if (episode !== undefined) this.#end(key, episode);
    }
  }

  endAll(): void {
    this.#endQuietest(() => true);
  }

  #endQuietest(isOver: (episode: Episode<Loss>) => boolean): void {
    for (let next = this.#episodes.oldest(); next !== undefined; next = this.#episodes.oldest()) {
      if (!isOver(next[1])) return;
      this.#end(...next);
    }
  }

  #begin(key: string, episode: Episode<Loss>): void {
    this.#episodes.set(key, episode);
    const socket = socketId(episode.first);
    const keys = this.#keysBySocket.get(socket);
    if (keys === undefined) this.#keysBySocket.set(socket, new Set([key]));
    else keys.add(key);
  }

  #end(key: string, episode: Episode<Loss>): void {
    this.#episodes.delete(key);
    this.#ended(key, episode);
  }

  #ended(key: string, episode: Episode<Loss>): void {
    const socket = socketId(episode.first);
    const keys = this.#keysBySocket.get(socket);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysBySocket.delete(socket);
    this.#onEnd(episode);
  }
}

/** Two requests of one span on one socket (a retry) are two episodes. */
function episodeKey(record: LossRecord, { traceId, spanId }: TraceContext): string {
  const request = record.context ?? { startSeq: 0, requestStartNs: 0n };
  return `${requestId(record, request)}:${traceId}:${spanId}`;
}
