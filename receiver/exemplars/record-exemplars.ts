import type { ExemplarStore } from '../aggregate/exemplars.ts';
import { toHrTime } from '../aggregate/hr-time.ts';
import { DECISIONS } from '../correlate/decide.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { Clock } from '../model/clock.ts';
import type { TraceContext } from '../model/event.ts';
import { socketId } from '../model/ids.ts';
import { RecordDispatch } from '../model/record-handlers.ts';
import type { SignalRecord } from '../model/record.ts';
import type { ObservedResource } from '../model/resource.ts';
import type { SumsContext } from '../signals/context.ts';
import type { CreateExemplars, ExemplarParts, SocketName } from '../signals/exemplars.ts';
import type { CidrLookup } from './subnets.ts';

export type ExemplarFilter = 'trace_based' | 'always_on' | 'always_off';

export interface RecordExemplarsParts {
  readonly store: Pick<ExemplarStore, 'offer'>;
  readonly filter: ExemplarFilter;
  readonly context: Pick<SumsContext, 'isOn' | 'optIn' | 'mask' | 'resolve' | 'host'>;
  readonly clock: Pick<Clock, 'toUnixNs'>;
  readonly names: ExemplarParts['names'];
  readonly cidrOf: CidrLookup;
  readonly families: Iterable<CreateExemplars>;
}

const maxSockets = 10_000;
const sampledFlag = 1;

/**
 * Makes exemplars of records: a record that tells of one measurement of a series names the trace that it
 * was made in, which the kernel's sums cannot.
 */
export class RecordExemplars {
  readonly #parts: RecordExemplarsParts;
  /** By socket, until its close. A socket that is forgotten has no exemplar at its close. */
  readonly #requests = new BoundedCache<string, TraceContext>(maxSockets);
  readonly #dispatch: RecordDispatch;

  constructor(parts: RecordExemplarsParts) {
    this.#parts = parts;
    const { context, names, cidrOf, families } = parts;
    const given: ExemplarParts = {
      context,
      names,
      cidrOf,
      decisions: DECISIONS,
      remember: (socket, request) => this.#remember(socket, request),
      takeRequest: (socket) => this.#takeRequest(socket),
      offer: (...measured) => this.#offer(...measured),
    };
    this.#dispatch = new RecordDispatch(Array.from(families, (create) => create(given)));
  }

  /** Sockets whose request was forgotten because there were too many. */
  get evictions(): number {
    return this.#requests.evictions;
  }

  see(record: SignalRecord): void {
    if (this.#parts.filter !== 'always_off') this.#dispatch.handle(record);
  }

  #remember(socket: SocketName, context: TraceContext | undefined): void {
    if (context === undefined || socket.cookie === 0n || !isSampled(context)) return;
    this.#requests.set(socketId(socket), context);
  }

  #takeRequest(socket: SocketName): TraceContext | undefined {
    const key = socketId(socket);
    const context = this.#requests.get(key);
    this.#requests.delete(key);
    return context;
  }

  #offer(...[{ owner, timeNs }, context, measurements]: Parameters<ExemplarParts['offer']>): void {
    const { filter, store, context: sums, clock } = this.#parts;
    if (filter === 'trace_based' && (context === undefined || !isSampled(context))) return;
    const resource: ObservedResource = owner.pid === 0 ? sums.host() : sums.resolve(owner);
    const time = toHrTime(clock.toUnixNs(timeNs));
    for (const { metric, attributes, value } of measurements) {
      if (value === undefined || !sums.isOn(metric)) continue;
      const { traceId, spanId } = context ?? {};
      store.offer(metric, resource, attributes, {
        time,
        value,
        ...(traceId !== undefined && spanId !== undefined && { traceId, spanId }),
      });
    }
  }
}

function isSampled({ traceFlags }: TraceContext): boolean {
  return (traceFlags & sampledFlag) !== 0;
}
