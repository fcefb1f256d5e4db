/** What a client knew of the bytes that it wrote, against what their retransmissions are said to be of. */
import assert from 'node:assert/strict';
import type { RetransmitRecord } from '../../../receiver/model/record.ts';
import type { Context } from '../../support/traceparent.ts';
import { plain } from './conversation.ts';

/** A request as its client knew it. */
export interface WrittenRequest extends Context {
  readonly localPort: number;
  /** The bytes of its connection's stream that it wrote: from the first to before the second. */
  readonly from: number;
  readonly to: number;
  /** CLOCK_MONOTONIC: when it was asked for, and when its answer had come. */
  readonly startNs: string;
  readonly endNs: string;
}

const isOf = (one: Context, other: Context): boolean =>
  one.traceId === other.traceId && one.spanId === other.spanId && one.flags === other.flags;

/** One connection of the client. What begins its stream is of the first request, as the handshake of TLS is. */
class WrittenStream {
  readonly #requests: readonly WrittenRequest[];

  constructor(requests: readonly WrittenRequest[]) {
    const [first, ...others] = [...requests].sort((a, b) => a.from - b.from);
    this.#requests = first === undefined ? [] : [{ ...first, from: 0 }, ...others];
  }

  #ownerAt(at: number): WrittenRequest | undefined {
    return this.#requests.find(({ from, to }) => at >= from && at < to);
  }

  /** Sequence numbers that its stream may begin with: what is said to begin with a request begins there. */
  #origins(records: readonly RetransmitRecord[]): number[] {
    const said = records.flatMap(({ context }) => (context === undefined ? [] : [context]));
    const found = said.flatMap((context) =>
      this.#requests
        .filter((request) => isOf(request, { ...context, flags: context.traceFlags }))
        .map(({ from }) => (context.startSeq - from) >>> 0),
    );
    return [...new Set(found)];
  }

  #fits(origin: number, { seq, context }: RetransmitRecord): boolean {
    const owner = this.#ownerAt((seq - origin) >>> 0);
    const said = plain(context);
    if (said === undefined || context === undefined) return true;
    const start = (context.startSeq - origin) >>> 0;
    return owner !== undefined && isOf(owner, said) && start >= owner.from && start < owner.to;
  }

  /** Each that is said to be of a request is of that one. */
  check(records: readonly RetransmitRecord[]): void {
    for (const { context, timeNs } of records) {
      const said = plain(context);
      if (said === undefined) continue;
      const own = this.#requests.filter((request) => isOf(request, said));
      // A lost byte is sent again before its answer comes.
      const isIn = ({ startNs, endNs }: WrittenRequest): boolean =>
        timeNs >= BigInt(startNs) && timeNs <= BigInt(endNs);
      assert.ok(
        own.some((request) => isIn(request)),
        'it is of no request that was under way on this connection',
      );
    }
    const origins = this.#origins(records);
    const isRight = origins.some((origin) => records.every((record) => this.#fits(origin, record)));
    assert.ok(origins.length === 0 || isRight, 'a byte is said to be of a request that did not write it');
  }
}

/** @returns how many were said to be of a request, and by which methods; a wrong one fails */
export function checkStreams(
  requests: readonly WrittenRequest[],
  records: readonly RetransmitRecord[],
): { readonly found: number; readonly all: number; readonly methods: ReadonlySet<string> } {
  const streams = new Map<number, WrittenRequest[]>();
  for (const request of requests)
    streams.set(request.localPort, [...(streams.get(request.localPort) ?? []), request]);
  let [found, all] = [0, 0];
  const methods = new Set<string>();
  for (const [localPort, own] of streams) {
    const again = records.filter(({ endpoints }) => endpoints.localPort === localPort);
    new WrittenStream(own).check(again);
    all += again.length;
    for (const { context } of again) if (context !== undefined) methods.add(context.method);
    found += again.filter(({ context }) => context !== undefined).length;
  }
  return { found, all, methods };
}
