import type { ServerSpan } from '../model/application-span.ts';
import { BoundedCache } from '../model/bounded-cache.ts';

/** SERVER spans that are remembered: some 500 bytes each. */
const maxSpans = 20_000;
/** Most of one key: more requests with one parent, or on one connection, are not told apart. */
const maxOfKey = 64;

/** A span with where its export came from. */
export interface SeenSpan extends ServerSpan {
  /** The address of who exported it. */
  readonly exporter: string;
}

/** Keys under which a span is found: the request's context, and who asked. */
export function wireKey(traceId: string, parentSpanId: string): string {
  return `${traceId}/${parentSpanId}`;
}

export function peerKey(address: string, port: number): string {
  return `${address} ${String(port)}`;
}

export function keysOf({ traceId, parentSpanId, peerAddress, peerPort }: ServerSpan): string[] {
  return [
    ...(parentSpanId === '' ? [] : [wireKey(traceId, parentSpanId)]),
    ...(peerAddress === undefined || peerPort === undefined ? [] : [peerKey(peerAddress, peerPort)]),
  ];
}

/** The newest SERVER spans of all applications, by their keys. */
export class ServerSpans {
  readonly #byKey = new BoundedCache<string, SeenSpan[]>(maxSpans, undefined, (spans) => spans.length);

  /** Keys that were forgotten since there were too many. */
  get evictions(): number {
    return this.#byKey.evictions;
  }

  add(span: SeenSpan): void {
    for (const key of keysOf(span)) {
      const known = (this.#byKey.get(key) ?? []).filter(({ spanId }) => spanId !== span.spanId);
      this.#byKey.set(key, [...known, span].slice(-maxOfKey));
    }
  }

  find(key: string): readonly SeenSpan[] {
    return this.#byKey.get(key) ?? [];
  }
}
