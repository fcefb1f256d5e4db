import { BlockList } from 'node:net';
import type { Attributes } from '@opentelemetry/api';
import { ExemplarStore, withExemplars } from '../aggregate/exemplars.ts';
import { toHrTime } from '../aggregate/hr-time.ts';
import type { MetricSource } from '../aggregate/metric-store.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { Clock } from '../model/clock.ts';
import type { CollectContext } from '../signals/context.ts';
import { dropAttributes } from '../signals/drop/details.ts';
import { rowAttributesOf, type RowAttributes } from '../signals/connection/attributes.ts';
import { secondsBetween } from '../signals/connection/record-attributes.ts';
import { decide, decideHandshake, decideRetransmit } from '../correlate/decide.ts';
import type { TraceContext } from '../model/event.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';
import type {
  ConnectionRecord,
  DropRecord,
  KernelNames,
  KernelRecord,
  RetransmitRecord,
  SocketRecord,
} from '../model/record.ts';
import {
  ATTR_PEER_CIDR,
  ATTR_SERVER_ADDRESS,
  ATTR_TCP_CLOSE_REASON,
  ATTR_TCP_RETRANSMIT_TYPE,
  METRIC_PACKET_DROPPED,
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_DURATION,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_CONNECTION_TRANSFER_SIZE,
  METRIC_TCP_HANDSHAKE_DURATION,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_RTT,
  TCP_CLOSE_REASON_VALUE_OTHER,
  type MetricDescriptor,
} from '../../semconv/index.ts';

/** What the settings say of exemplars. */
export interface ExemplarSettings {
  readonly exemplarFilter: 'trace_based' | 'always_on' | 'always_off';
  /** Those of `wirespan.peer.cidr`: their text, and what they are. */
  readonly subnets: readonly {
    readonly text: string;
    readonly address: string;
    readonly prefixLength: number;
    readonly family: 'ipv4' | 'ipv6';
  }[];
}

/** Exemplars from records to points. */
export interface Exemplars {
  /** The store's sums, with exemplars on their points. */
  readonly metrics: MetricSource;
  see(record: KernelRecord): void;
  /** How many a bound kept out. */
  leftOut(): number;
}

/** Exemplars of `source`, as the configuration wants them. */
export function createExemplars(
  source: MetricSource,
  context: CollectContext,
  { exemplarFilter: filter, subnets }: ExemplarSettings,
  { clock, names }: { readonly clock: Clock; readonly names: KernelNames },
): Exemplars {
  const store = new ExemplarStore();
  const dropReason = (reason: number): string => names.dropReason(reason);
  const stage = new ExemplarStage({ store, filter, context, subnets, clock, dropReason });
  return {
    metrics: withExemplars(source, store),
    see: (record) => stage.see(record),
    leftOut: () => store.counters.leftOut + stage.evictions,
  };
}

export interface ExemplarStageParts {
  readonly store: Pick<ExemplarStore, 'offer'>;
  readonly filter: ExemplarSettings['exemplarFilter'];
  readonly context: Pick<CollectContext, 'isOn' | 'optIn' | 'mask' | 'resolve' | 'host'>;
  readonly subnets: ExemplarSettings['subnets'];
  readonly clock: Pick<Clock, 'toUnixNs'>;
  /** `wirespan.packet.drop.reason`. */
  dropReason(reason: number): string;
}

/** One measurement of one series. */
interface Measurement {
  readonly metric: MetricDescriptor;
  readonly attributes: Attributes;
  /** In the metric's unit; undefined: not known. */
  readonly value: number | undefined;
}

const maxSockets = 10_000;
const sampledFlag = 1;

/**
 * Makes exemplars of records: a record that tells of one measurement of a series names the trace that it
 * was made in, which the kernel's sums cannot. A connection's own measurements, taken at its close, are
 * those of the last sampled request that it was opened for or that lost a packet on it.
 */
export class ExemplarStage {
  readonly #parts: ExemplarStageParts;
  /** By socket, until its close. A socket that is forgotten has no exemplar at its close. */
  readonly #requests = new BoundedCache<string, TraceContext>(maxSockets);
  /** Narrowest first. */
  readonly #subnets: readonly { readonly text: string; readonly list: BlockList }[];

  constructor(parts: ExemplarStageParts) {
    this.#parts = parts;
    this.#subnets = [...parts.subnets]
      .sort((a, b) => b.prefixLength - a.prefixLength)
      .map(({ text, address, prefixLength, family }) => {
        const list = new BlockList();
        list.addSubnet(address, prefixLength, family);
        return { text, list };
      });
  }

  /** Sockets whose request was forgotten because there were too many. */
  get evictions(): number {
    return this.#requests.evictions;
  }

  see(record: KernelRecord): void {
    if (this.#parts.filter === 'always_off') return;
    switch (record.kind) {
      case 'retransmit':
        return this.#retransmit(record);
      case 'drop':
        return this.#drop(record);
      case 'handshake':
      case 'fail':
        return this.#handshake(record);
      case 'close':
        return this.#close(record);
      case 'open':
      case 'accept':
      case 'reset':
      case 'state':
      case 'listener_start':
      case 'listener_stop':
      case 'latency':
      case 'softirq':
      case 'owner':
        return;
    }
  }

  #retransmit(record: RetransmitRecord): void {
    const { context } = decideRetransmit(record);
    this.#remember(record, context);
    const { plain } = this.#attributesOf(record);
    const attributes = { ...plain, [ATTR_TCP_RETRANSMIT_TYPE]: record.type };
    this.#offer(record, context, [{ metric: METRIC_TCP_RETRANSMITS, attributes, value: record.segments }]);
  }

  #drop(record: DropRecord): void {
    const { context } = decide(record.context, record.timeNs);
    this.#remember(record, context);
    const attributes = dropAttributes(this.#parts.dropReason(record.reason), record.family);
    this.#offer(record, context, [{ metric: METRIC_PACKET_DROPPED, attributes, value: 1 }]);
  }

  /** Done, for the request in it, or failed. */
  #handshake(record: ConnectionRecord): void {
    const isDone = record.kind === 'handshake';
    const { context } = isDone ? decideHandshake(record.context) : decide(record.context, record.timeNs);
    this.#remember(record, context);
    const attributes = this.#attributesOf(record, record.error).withType;
    const endNs = isDone ? record.establishedNs : record.timeNs;
    this.#offer(record, context, [
      { metric: METRIC_TCP_CONNECTION_OPENED, attributes, value: 1 },
      {
        metric: METRIC_TCP_HANDSHAKE_DURATION,
        attributes,
        value: secondsBetween(record.handshakeStartNs, endNs),
      },
    ]);
  }

  #close(record: ConnectionRecord): void {
    const key = socketKey(record);
    const context = this.#requests.get(key);
    this.#requests.delete(key);
    const { plain, sent, received } = this.#attributesOf(record);
    const reason = record.closeReason ?? TCP_CLOSE_REASON_VALUE_OTHER;
    const { rttSmoothedUs: rttUs } = record;
    this.#offer(record, context, [
      {
        metric: METRIC_TCP_CONNECTION_CLOSED,
        attributes: { ...plain, [ATTR_TCP_CLOSE_REASON]: reason },
        value: 1,
      },
      {
        metric: METRIC_TCP_CONNECTION_DURATION,
        attributes: record.error === undefined ? plain : this.#attributesOf(record, record.error).plain,
        value: secondsBetween(record.establishedNs, record.timeNs),
      },
      { metric: METRIC_TCP_RTT, attributes: plain, value: rttUs === 0 ? undefined : rttUs / 1e6 },
      {
        metric: METRIC_TCP_CONNECTION_TRANSFER_SIZE,
        attributes: sent,
        value: Number(record.bytesSent),
      },
      {
        metric: METRIC_TCP_CONNECTION_TRANSFER_SIZE,
        attributes: received,
        value: Number(record.bytesReceived),
      },
    ]);
  }

  #remember(record: Pick<SocketRecord, 'netns' | 'cookie'>, context: TraceContext | undefined): void {
    if (context === undefined || record.cookie === 0n || !isSampled(context)) return;
    this.#requests.set(socketKey(record), context);
  }

  #offer(
    { owner, timeNs }: { readonly owner: Owner; readonly timeNs: bigint },
    context: TraceContext | undefined,
    measurements: readonly Measurement[],
  ): void {
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

  /** Those of the kernel's row that the record was counted in. */
  #attributesOf({ role, endpoints }: SocketRecord, error?: string): RowAttributes {
    const { context } = this.#parts;
    const { family, localAddress, peerAddress, localPort, peerPort } = endpoints;
    const serverPort = role === 'server' ? localPort : peerPort;
    const server = role === 'server' ? localAddress : peerAddress;
    const serverAddress = context.optIn.has(ATTR_SERVER_ADDRESS) ? server : undefined;
    const cidr = context.optIn.has(ATTR_PEER_CIDR) ? this.#cidrOf(peerAddress, family) : undefined;
    const facts = { role, serverPort, error, family, cidr, state: undefined, peerAddress, serverAddress };
    return rowAttributesOf(facts, context);
  }

  #cidrOf(address: string, family: 4 | 6): string | undefined {
    if (this.#subnets.length === 0) return undefined;
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    return this.#subnets.find(({ list }) => list.check(address, kind))?.text ?? 'other';
  }
}

function isSampled({ traceFlags }: TraceContext): boolean {
  return (traceFlags & sampledFlag) !== 0;
}

function socketKey({ netns, cookie }: Pick<SocketRecord, 'netns' | 'cookie'>): string {
  return `${netns}:${cookie}`;
}
