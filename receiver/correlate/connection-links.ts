import { BoundedCache } from '../model/bounded-cache.ts';
import { socketId } from '../model/ids.ts';

/** What a span link needs. */
export interface SpanRef {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

const maxLinks = 16;
const maxSockets = 10_000;
/** The most spans of all sockets together: some 200 bytes each. */
const maxSpans = 40_000;

interface SocketLinks {
  /** Our own span of the handshake. */
  handshake?: SpanRef;
  /** Application spans that used the connection, by id, least recent first. */
  readonly used: Map<string, SpanRef>;
}

/** Remembers which spans a connection's own span will link to. */
export class ConnectionLinks {
  readonly #sockets = new BoundedCache<string, SocketLinks>(maxSockets, ({ used }) => {
    this.#spans -= used.size;
  });
  #spans = 0;
  readonly #isWanted: () => boolean;

  /** `isWanted`: whether connections have spans; what nobody will take is not remembered. */
  constructor(isWanted: () => boolean) {
    this.#isWanted = isWanted;
  }

  /** Sockets whose links were forgotten because there were too many. */
  get evictions(): number {
    return this.#sockets.evictions;
  }

  /** Our `tcp connect` or `tcp accept` span of this socket. */
  addHandshake(netns: number, cookie: bigint, span: SpanRef): void {
    if (!this.#isWanted()) return;
    this.#of(netns, cookie).handshake = span;
  }

  /** A sampled application span; only the 16 most recent are kept. */
  addUse(netns: number, cookie: bigint, { traceId, spanId, traceFlags }: SpanRef): void {
    if (!this.#isWanted()) return;
    const { used } = this.#of(netns, cookie);
    const key = `${traceId}${spanId}`;
    const before = used.size;
    used.delete(key);
    used.set(key, { traceId, spanId, traceFlags });
    const [oldest] = used.keys();
    if (used.size > maxLinks && oldest !== undefined) used.delete(oldest);
    this.#spans += used.size - before;
    while (this.#spans > maxSpans) this.#sockets.evictOldest();
  }

  /** The links of a socket, which is then forgotten: the handshake's span first. */
  take(netns: number, cookie: bigint): { spans: SpanRef[]; isUsed: boolean } {
    const key = socketId({ netns, cookie });
    const links = this.#sockets.get(key);
    if (links === undefined) return { spans: [], isUsed: false };
    this.#sockets.delete(key);
    this.#spans -= links.used.size;
    const used = [...links.used.values()];
    const spans = links.handshake === undefined ? used : [links.handshake, ...used];
    return { spans, isUsed: used.length > 0 };
  }

  #of(netns: number, cookie: bigint): SocketLinks {
    const key = socketId({ netns, cookie });
    let links = this.#sockets.get(key);
    if (links === undefined) {
      links = { used: new Map() };
      this.#sockets.set(key, links);
    }
    return links;
  }
}
