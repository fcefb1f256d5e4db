import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_TCP_BACKLOG,
  ATTR_TCP_RETRANSMIT_SEGMENTS,
  ATTR_TCP_RETRANSMIT_TYPE,
  ATTR_TCP_STATE_PREVIOUS,
  ATTR_TCP_SYN_QUEUE_ACTION,
  EVENT_TCP_ACCEPT_QUEUE_OVERFLOW,
  EVENT_TCP_LISTENER_START,
  EVENT_TCP_LISTENER_STOP,
  EVENT_TCP_RETRANSMIT,
  EVENT_TCP_STATE_CHANGE,
  EVENT_TCP_SYN_QUEUE_OVERFLOW,
  SPAN_TCP_RETRANSMIT,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
} from '../../semconv/index.ts';
import type {
  KernelNames,
  KernelRecord,
  ListenerRecord,
  QueueOverflowRecord,
  RetransmitRecord,
  StateRecord,
} from '../model/record.ts';
import { createConnectionIds } from './connection-id.ts';
import { ConnectionStage } from './connection-stage.ts';
import { decideRetransmit, type Decision } from './decide.ts';
import { Emitter, type EmitterCounters, type EmitterOptions, type EmitterSettings } from './emitter.ts';
import { LatencyStage } from './latency-stage.ts';
import type { AddressMode } from './mask.ts';
import { PacketStage } from './packet-stage.ts';
import { RetransmitEpisodes, type Episode } from './retransmit-episodes.ts';
import { createSocketAttributes, type SocketAttributes } from './socket-attributes.ts';

export interface CorrelatorOptions extends EmitterOptions {
  /** `/proc/sys/kernel/random/boot_id`. */
  readonly bootId: string;
  readonly addresses: AddressMode;
  /** Words for this kernel's numbers; without them a number stands for itself. */
  readonly names?: KernelNames;
}

const NUMBERS: KernelNames = {
  dropReason: (reason) => `unknown_${String(reason)}`,
  resetReason: () => undefined,
  functionAt: () => undefined,
};

/** Trace-context look-ups by outcome: `wirespan.agent.correlation.lookups`. */
export type LookupCounters = Record<Decision['result'], number>;

export interface CorrelatorCounters extends Readonly<EmitterCounters> {
  readonly lookups: Readonly<LookupCounters>;
  /** How often a bound on what is remembered was met; no event or span is lost by that. */
  readonly boundsMet: BoundCounters;
}

export interface BoundCounters {
  /** Retransmission episodes ended early. */
  readonly episodes: number;
  /** Handshakes that did not wait their second for a parent. */
  readonly connects: number;
  /** Connections whose links were forgotten. */
  readonly links: number;
  /** Rate limits and span counts that began anew. */
  readonly limits: number;
}

/** Turns kernel records into log events and spans. Emits nothing after `flush`, unless given more. */
export interface Correlator {
  handle(record: KernelRecord): void;
  /** What a look at the listeners found. */
  overflow(record: QueueOverflowRecord): void;
  /** Ends what has been quiet for a second; call about once a second with CLOCK_MONOTONIC. */
  tick(nowNs: bigint): void;
  /** Ends everything that is still open. */
  flush(): void;
  /** From now on these modes and limits hold; limits that changed begin anew. */
  reconfigure(settings: EmitterSettings): void;
  readonly counters: CorrelatorCounters;
}

const maxEpisodes = 10_000;

const graveTypes: ReadonlySet<string> = new Set([
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
]);

export function createCorrelator(options: CorrelatorOptions): Correlator {
  return new RecordCorrelator(options);
}

class RecordCorrelator implements Correlator {
  readonly #sockets: SocketAttributes;
  readonly #emitter: Emitter;
  readonly #connections: ConnectionStage;
  readonly #packets: PacketStage;
  readonly #latencies: LatencyStage;
  readonly #episodes = new RetransmitEpisodes(maxEpisodes, (episode) => this.#endEpisode(episode));
  readonly #lookups: LookupCounters = { hit: 0, miss: 0, stale: 0, invalid: 0 };

  constructor(options: CorrelatorOptions) {
    const connectionIds = createConnectionIds(options.bootId);
    this.#sockets = createSocketAttributes(connectionIds, options.addresses);
    this.#emitter = new Emitter(options);
    this.#connections = new ConnectionStage(this.#emitter, this.#sockets, (decision) =>
      this.#count(decision),
    );
    this.#latencies = new LatencyStage(this.#emitter, this.#sockets);
    this.#packets = new PacketStage({
      emitter: this.#emitter,
      sockets: this.#sockets,
      connectionIds,
      addresses: options.addresses,
      names: options.names ?? NUMBERS,
      count: (decision) => this.#count(decision),
    });
  }

  handle(record: KernelRecord): void {
    switch (record.kind) {
      case 'owner':
        return;
      case 'retransmit':
        return this.#retransmit(record);
      case 'drop':
        return this.#packets.drop(record);
      case 'reset':
        return this.#packets.reset(record);
      case 'latency':
        return this.#latencies.outlier(record);
      case 'softirq':
        return this.#latencies.slowSoftirq(record);
      case 'state':
        return this.#state(record);
      case 'listener_start':
      case 'listener_stop':
        return this.#listener(record);
      case 'close':
        this.#episodes.endSocket(record.netns, record.cookie);
        return this.#connections.handle(record);
      default:
        return this.#connections.handle(record);
    }
  }

  tick(nowNs: bigint): void {
    this.#episodes.expire(nowNs);
    this.#connections.expire(nowNs);
  }

  flush(): void {
    this.#episodes.endAll();
    this.#connections.releaseAll();
  }

  reconfigure(settings: EmitterSettings): void {
    this.#emitter.reconfigure(settings);
  }

  get counters(): CorrelatorCounters {
    const boundsMet = {
      episodes: this.#episodes.cutShort,
      connects: this.#connections.releasedEarly,
      links: this.#connections.linksForgotten,
      limits: this.#emitter.limitsForgotten,
    };
    return { ...this.#emitter.counters, lookups: { ...this.#lookups }, boundsMet };
  }

  #count(decision: Decision): Decision {
    this.#lookups[decision.result] += 1;
    return decision;
  }

  #retransmit(record: RetransmitRecord): void {
    const { context, isParent } = this.#count(decideRetransmit(record));
    this.#emitter.event(EVENT_TCP_RETRANSMIT, {
      record,
      context,
      isGrave: graveTypes.has(record.type),
      attributes: () => ({
        ...this.#sockets.connection(record),
        [ATTR_TCP_RETRANSMIT_TYPE]: record.type,
        [ATTR_TCP_RETRANSMIT_SEGMENTS]: record.segments,
        [ATTR_NETWORK_CONNECTION_STATE]: record.state,
      }),
    });
    if (context === undefined || !isParent) return;
    this.#connections.use(record, context);
    if (this.#emitter.spanMode(SPAN_TCP_RETRANSMIT) !== 'off') this.#episodes.add(record, context);
  }

  #endEpisode({ first, parent, lastNs, segments }: Episode): void {
    this.#emitter.span(SPAN_TCP_RETRANSMIT, {
      record: first,
      attributes: {
        ...this.#sockets.connection(first),
        [ATTR_TCP_RETRANSMIT_TYPE]: first.type,
        [ATTR_TCP_RETRANSMIT_SEGMENTS]: segments,
      },
      startNs: first.timeNs,
      endNs: lastNs,
      parent,
    });
  }

  #state(record: StateRecord): void {
    this.#emitter.event(EVENT_TCP_STATE_CHANGE, {
      record,
      attributes: () => ({
        ...this.#sockets.connection(record),
        [ATTR_NETWORK_CONNECTION_STATE]: record.state,
        [ATTR_TCP_STATE_PREVIOUS]: record.previous,
      }),
    });
  }

  overflow(record: QueueOverflowRecord): void {
    const { action, backlog } = record;
    const isAccept = action === undefined;
    this.#emitter.event(isAccept ? EVENT_TCP_ACCEPT_QUEUE_OVERFLOW : EVENT_TCP_SYN_QUEUE_OVERFLOW, {
      record,
      attributes: () => ({
        ...this.#sockets.listener(record),
        ...(isAccept ? { [ATTR_TCP_BACKLOG]: backlog } : { [ATTR_TCP_SYN_QUEUE_ACTION]: action }),
      }),
    });
  }

  #listener(record: ListenerRecord): void {
    const isStart = record.kind === 'listener_start';
    this.#emitter.event(isStart ? EVENT_TCP_LISTENER_START : EVENT_TCP_LISTENER_STOP, {
      record,
      attributes: () => ({ ...this.#sockets.listener(record), [ATTR_TCP_BACKLOG]: record.backlog }),
    });
  }
}
