import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_TCP_BACKLOG,
  ATTR_TCP_RETRANSMIT_SEGMENTS,
  ATTR_TCP_RETRANSMIT_TYPE,
  ATTR_TCP_STATE_PREVIOUS,
  EVENT_TCP_LISTENER_START,
  EVENT_TCP_LISTENER_STOP,
  EVENT_TCP_RETRANSMIT,
  EVENT_TCP_STATE_CHANGE,
  SPAN_TCP_RETRANSMIT,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
} from '../../semconv/index.ts';
import type { KernelRecord, ListenerRecord, RetransmitRecord, StateRecord } from '../record.ts';
import { createConnectionIds } from './connection-id.ts';
import { createConnectionStage } from './connection-stage.ts';
import { decideRetransmit, type Decision } from './decide.ts';
import { createEmitter, type EmitterCounters, type EmitterOptions } from './emitter.ts';
import type { AddressMode } from './mask.ts';
import { createRetransmitEpisodes, type Episode } from './retransmit-episodes.ts';
import { createSocketAttributes } from './socket-attributes.ts';

export interface CorrelatorOptions extends EmitterOptions {
  /** `/proc/sys/kernel/random/boot_id`. */
  readonly bootId: string;
  readonly addresses: AddressMode;
}

/** Trace-context look-ups by outcome: `wirespan.agent.correlation.lookups`. */
export type LookupCounters = Record<Decision['result'], number>;

export interface CorrelatorCounters extends Readonly<EmitterCounters> {
  readonly lookups: Readonly<LookupCounters>;
  /** Retransmission episodes ended early because there were too many at once. */
  readonly episodesCutShort: number;
}

/** Turns kernel records into log events and spans. Emits nothing after `flush`, unless given more. */
export interface Correlator {
  handle(record: KernelRecord): void;
  /** Ends what has been quiet for a second; call about once a second with CLOCK_MONOTONIC. */
  tick(nowNs: bigint): void;
  /** Ends everything that is still open. */
  flush(): void;
  readonly counters: CorrelatorCounters;
}

const maxEpisodes = 10_000;

const graveTypes: ReadonlySet<string> = new Set([
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
]);

export function createCorrelator(options: CorrelatorOptions): Correlator {
  const sockets = createSocketAttributes(createConnectionIds(options.bootId), options.addresses);
  const emitter = createEmitter(options);
  const lookups: LookupCounters = { hit: 0, miss: 0, stale: 0, invalid: 0 };
  const count = (decision: Decision): Decision => {
    lookups[decision.result] += 1;
    return decision;
  };
  const connections = createConnectionStage(emitter, sockets, count);
  const spansRetransmits = emitter.spanMode(SPAN_TCP_RETRANSMIT) !== 'off';

  const endEpisode = ({ first, parent, lastNs, segments }: Episode): void => {
    emitter.span(SPAN_TCP_RETRANSMIT, {
      record: first,
      attributes: {
        ...sockets.connection(first),
        [ATTR_TCP_RETRANSMIT_TYPE]: first.type,
        [ATTR_TCP_RETRANSMIT_SEGMENTS]: segments,
      },
      startNs: first.timeNs,
      endNs: lastNs,
      parent,
    });
  };
  const episodes = createRetransmitEpisodes(maxEpisodes, endEpisode);

  const retransmit = (record: RetransmitRecord): void => {
    const { context, isParent } = count(decideRetransmit(record));
    emitter.event(EVENT_TCP_RETRANSMIT, {
      record,
      context,
      isGrave: graveTypes.has(record.type),
      attributes: () => ({
        ...sockets.connection(record),
        [ATTR_TCP_RETRANSMIT_TYPE]: record.type,
        [ATTR_NETWORK_CONNECTION_STATE]: record.state,
      }),
    });
    if (context === undefined || !isParent) return;
    connections.use(record, context);
    if (spansRetransmits) episodes.add(record, context);
  };

  const state = (record: StateRecord): void => {
    emitter.event(EVENT_TCP_STATE_CHANGE, {
      record,
      attributes: () => ({
        ...sockets.connection(record),
        [ATTR_NETWORK_CONNECTION_STATE]: record.state,
        [ATTR_TCP_STATE_PREVIOUS]: record.previous,
      }),
    });
  };

  const listener = (record: ListenerRecord): void => {
    const isStart = record.kind === 'listener_start';
    emitter.event(isStart ? EVENT_TCP_LISTENER_START : EVENT_TCP_LISTENER_STOP, {
      record,
      attributes: () => ({ ...sockets.listener(record), [ATTR_TCP_BACKLOG]: record.backlog }),
    });
  };

  return {
    handle(record) {
      switch (record.kind) {
        case 'owner':
          return;
        case 'retransmit':
          return retransmit(record);
        case 'state':
          return state(record);
        case 'listener_start':
        case 'listener_stop':
          return listener(record);
        case 'close':
          episodes.endSocket(record.netns, record.cookie);
          return connections.handle(record);
        default:
          return connections.handle(record);
      }
    },
    tick(nowNs) {
      episodes.expire(nowNs);
      connections.expire(nowNs);
    },
    flush() {
      episodes.endAll();
      connections.releaseAll();
    },
    get counters() {
      return { ...emitter.counters, lookups, episodesCutShort: episodes.cutShort };
    },
  };
}
