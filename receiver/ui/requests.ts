import { BoundedCache } from '../model/bounded-cache.ts';
import type { KernelRecord, RequestContext } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import { endpointText } from '../views/top/text.ts';

const MAX_REQUESTS = 10_000;

/** A request of an application that something happened to on the network. */
export interface HurtRequest {
  readonly traceId: string;
  readonly owner: Owner;
  readonly peer: string;
  /** How its context was found. */
  readonly method: RequestContext['method'];
  /** CLOCK_MONOTONIC nanoseconds of the first and the last of it. */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** Segments, packets of it that this kernel dropped, connects. */
  readonly retransmitted: number;
  readonly drops: number;
  readonly failures: number;
}

type Counts = Pick<HurtRequest, 'retransmitted' | 'drops' | 'failures'>;
const NONE: Counts = { retransmitted: 0, drops: 0, failures: 0 };

/** Requests that the network hurt, by their trace and process; of too many, the quietest make room. */
export class HurtRequests {
  readonly #requests: BoundedCache<string, HurtRequest>;

  constructor(most = MAX_REQUESTS) {
    this.#requests = new BoundedCache(most);
  }

  /** Those that made room. */
  get forgotten(): number {
    return this.#requests.evictions;
  }

  take(record: KernelRecord): void {
    const counts = countsOf(record);
    if (counts === undefined || !('context' in record) || record.context === undefined) return;
    const { traceId, method } = record.context;
    const { owner, timeNs } = record;
    const id = `${traceId} ${String(owner.pid)}`;
    const known = this.#requests.get(id) ?? {
      ...{ traceId, owner, method, peer: peerOf(record), firstNs: timeNs },
      ...NONE,
    };
    this.#requests.set(id, {
      ...known,
      lastNs: timeNs,
      retransmitted: known.retransmitted + counts.retransmitted,
      drops: known.drops + counts.drops,
      failures: known.failures + counts.failures,
    });
  }

  /** The last that was hurt first. */
  rows(): readonly HurtRequest[] {
    return this.#requests
      .entries()
      .map(([, request]) => request)
      .reverse();
  }
}

/** Undefined: it hurts nobody. */
function countsOf(record: KernelRecord): Counts | undefined {
  if (record.kind === 'retransmit') return { ...NONE, retransmitted: record.segments };
  if (record.kind === 'drop') return { ...NONE, drops: 1 };
  return record.kind === 'fail' ? { ...NONE, failures: 1 } : undefined;
}

/** The other end; of a packet that was dropped, both ends as they were on it. */
function peerOf(record: KernelRecord): string {
  if (record.kind === 'drop') {
    const { sourceAddress, sourcePort, destinationAddress, destinationPort } = record;
    return `${endpointText(sourceAddress, sourcePort)} → ${endpointText(destinationAddress, destinationPort)}`;
  }
  if (!('endpoints' in record)) return '';
  return endpointText(record.endpoints.peerAddress, record.endpoints.peerPort);
}
