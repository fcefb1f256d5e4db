import { EVENT_TCP_LATENCY_OUTLIER } from '../../../semconv/index.ts';
import type { Family } from '../family.ts';
import { nanoseconds } from '../kernel.ts';
import { latencyDecoder } from './decode.ts';
import { latencyEvents } from './events.ts';

export interface LatencyOptions {
  readonly emit: { readonly latency: boolean };
  /** Microseconds above which a record is made; 0: never. */
  readonly thresholds: {
    readonly handshakeUs: number;
    readonly acceptQueueUs: number;
    readonly receiveQueueUs: number;
    readonly rttUs: number;
  };
}

/** Latencies above their threshold, from the programs of other families. */
export const latency: Family<LatencyOptions> = {
  name: 'latency',
  options: ({ event, thresholdsUs: { handshake, acceptQueue, receiveQueue, rtt } }) => ({
    // Such an event is never on a trace: `correlated` asks for nothing.
    emit: { latency: event(EVENT_TCP_LATENCY_OUTLIER) === 'on' },
    thresholds: {
      handshakeUs: handshake,
      acceptQueueUs: acceptQueue,
      receiveQueueUs: receiveQueue,
      rttUs: rtt,
    },
  }),
  variables: ({ emit, thresholds }) => ({
    cfg_slow_handshake_ns: nanoseconds(emit.latency, thresholds.handshakeUs),
    cfg_slow_accept_ns: nanoseconds(emit.latency, thresholds.acceptQueueUs),
    cfg_slow_receive_ns: nanoseconds(emit.latency, thresholds.receiveQueueUs),
    cfg_slow_rtt_ns: nanoseconds(emit.latency, thresholds.rttUs),
  }),
  records: [latencyDecoder],
  events: latencyEvents,
};
