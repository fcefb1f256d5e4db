import type { AppConfig } from '../../config/index.ts';
import {
  ATTR_CPU_LOGICAL_NUMBER,
  METRIC_PACKET_DROPPED,
  METRIC_SOFTIRQ_TIME,
  METRIC_TCP_ACCEPT_QUEUE_DURATION,
  METRIC_TCP_ACCEPT_QUEUE_LIMIT,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
  METRIC_TCP_ACCEPT_QUEUE_USAGE,
  METRIC_TCP_ACCEPT_QUEUE_UTILIZATION,
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_HANDSHAKE_DURATION,
  METRIC_TCP_IO,
  METRIC_TCP_RESETS,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_RTT,
  METRIC_TCP_SEGMENTS,
  METRIC_TCP_SYN_QUEUE_OVERFLOWS,
  SPAN_PACKET_DROP,
  SPAN_TCP_CONNECT,
  SPAN_TCP_EXCHANGE,
  SPAN_TCP_RETRANSMIT,
} from '../../semconv/index.ts';
import { replayedSettings } from './recorded-settings.ts';

/** What the figures of a page are made of. */
const METRICS = [
  METRIC_PACKET_DROPPED,
  METRIC_SOFTIRQ_TIME,
  METRIC_TCP_ACCEPT_QUEUE_DURATION,
  METRIC_TCP_ACCEPT_QUEUE_LIMIT,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
  METRIC_TCP_ACCEPT_QUEUE_USAGE,
  METRIC_TCP_ACCEPT_QUEUE_UTILIZATION,
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_HANDSHAKE_DURATION,
  METRIC_TCP_IO,
  METRIC_TCP_RESETS,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_RTT,
  METRIC_TCP_SEGMENTS,
  METRIC_TCP_SYN_QUEUE_OVERFLOWS,
];
const SPANS = [SPAN_PACKET_DROP, SPAN_TCP_CONNECT, SPAN_TCP_EXCHANGE, SPAN_TCP_RETRANSMIT];

/** Settings under which a recording of these subnets becomes a page: all of its events, and what each reading gained. */
export function reportedSettings(config: AppConfig, subnets: readonly string[]): AppConfig {
  const replayed = replayedSettings(config, subnets);
  return {
    ...replayed,
    metrics: new Map([...replayed.metrics, ...METRICS.map(({ name }) => [name, true] as const)]),
    events: new Map([...replayed.events.keys()].map((name) => [name, 'on'])),
    spans: new Map([
      ...replayed.spans,
      ...SPANS.map(({ type, defaultMode }) => [type, defaultMode] as const),
    ]),
    attributes: new Set([...replayed.attributes, ATTR_CPU_LOGICAL_NUMBER]),
    eventRateLimit: 0,
    spanLimits: { ...replayed.spanLimits, rateLimit: 0 },
    exemplarFilter: 'always_off',
    temporality: 'delta',
  };
}
