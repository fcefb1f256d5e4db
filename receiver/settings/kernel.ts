import type { AppConfig } from '../../config/index.ts';
import {
  ATTR_CODE_STACKTRACE,
  ATTR_NETWORK_PEER_ADDRESS,
  EVENT_TCP_CONNECTION_ACCEPT,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_CONNECTION_OPEN,
  EVENT_TCP_LISTENER_START,
  EVENT_TCP_LISTENER_STOP,
  EVENT_PACKET_DROP,
  EVENT_SOFTIRQ_SLOW,
  EVENT_TCP_LATENCY_OUTLIER,
  EVENT_TCP_RESET,
  EVENT_TCP_RETRANSMIT,
  EVENT_TCP_STATE_CHANGE,
  METRIC_PACKET_DROPPED,
  METRIC_SOFTIRQ_DURATION,
  METRIC_SOFTIRQ_TIME,
  METRIC_SOFTIRQ_WAIT_DURATION,
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_DURATION,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_CONNECTION_TRANSFER_SIZE,
  METRIC_TCP_HANDSHAKE_DURATION,
  METRIC_TCP_RECEIVE_QUEUE_DURATION,
  METRIC_TCP_RESETS,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_RTT,
  METRIC_TCP_RTT_VARIATION,
  METRIC_TCP_STATE_DURATION,
  SPAN_TCP_ACCEPT,
  SPAN_TCP_CONNECT,
  SPAN_TCP_CONNECTION,
  SPAN_TCP_RETRANSMIT,
  type EventDescriptor,
  type EventMode,
  type MetricDescriptor,
  type SpanDescriptor,
} from '../../semconv/index.ts';
import type { CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import { kernelFilterOf } from './filter.ts';
import { rowDetailsOf } from './row-details.ts';
import type { KernelOptions } from '../source/knobs.ts';
import type { SlowOptions } from '../source/slow-knobs.ts';

/** Whose measurements are taken at the close of a connection. */
const AT_CLOSE: readonly MetricDescriptor[] = [
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_DURATION,
  METRIC_TCP_CONNECTION_TRANSFER_SIZE,
  METRIC_TCP_RTT,
];

/**
 * What the kernel must tell for what the settings ask: a record that nobody needs is never made.
 * `hierarchies`: for filters by cgroup.
 */
export function kernelOptionsOf(
  config: AppConfig,
  hierarchies: readonly CgroupHierarchy[] = [],
): KernelOptions {
  const metric = ({ name }: MetricDescriptor): boolean => config.metrics.get(name) ?? false;
  const event = ({ name }: EventDescriptor): boolean => (config.events.get(name) ?? 'off') !== 'off';
  const span = ({ type }: SpanDescriptor): string => config.spans.get(type) ?? 'off';
  const wantsEpisodes = config.correlation.http1 && span(SPAN_TCP_RETRANSMIT) !== 'off';
  const retransmit = config.events.get(EVENT_TCP_RETRANSMIT.name) ?? 'off';
  return {
    ringBufferBytes: config.bpf.ringBufferBytes,
    maxSeries: config.bpf.maxSeries,
    maxSockets: config.bpf.maxSockets,
    maxOwners: config.bpf.maxOwners,
    costlyVariants: config.bpf.costlyVariants,
    emit: { ...emitOf(config), ...wantedEvents(config) },
    ...receiveOptions(config),
    requests: config.correlation.http1,
    stateDuration: metric(METRIC_TCP_STATE_DURATION),
    rttVariation: metric(METRIC_TCP_RTT_VARIATION),
    transferSize: metric(METRIC_TCP_CONNECTION_TRANSFER_SIZE),
    peerAddress: peerAddress(config),
    details: rowDetailsOf(config),
    retransmits: metric(METRIC_TCP_RETRANSMITS) || wantsEpisodes || retransmit !== 'off',
    drops: metric(METRIC_PACKET_DROPPED) || event(EVENT_PACKET_DROP),
    dropStacks: config.attributes.has(ATTR_CODE_STACKTRACE),
    resets: metric(METRIC_TCP_RESETS) || config.events.get(EVENT_TCP_RESET.name) === 'on',
    subnets: config.subnets,
    ...softirqOptions(config),
    filter: kernelFilterOf(config.filter, hierarchies),
  };
}

/** The records that events, spans and exemplars are made of. */
function emitOf(config: AppConfig): Omit<KernelOptions['emit'], keyof SlowOptions['emit']> {
  const { http1 } = config.correlation;
  const mode = ({ name }: EventDescriptor): EventMode => config.events.get(name) ?? 'off';
  const event = (descriptor: EventDescriptor): boolean => mode(descriptor) !== 'off';
  const span = ({ type }: SpanDescriptor): string => config.spans.get(type) ?? 'off';
  /** Measurements of one of these metrics are wanted as examples: those on a trace are enough. */
  const examples = (...metrics: readonly MetricDescriptor[]): boolean =>
    http1 && config.exemplarFilter !== 'always_off' && metrics.some(({ name }) => config.metrics.get(name));
  const onTraces = (given: EventMode, isWanted: boolean): EventMode =>
    given === 'off' && isWanted ? 'correlated' : given;
  const wantsEpisodes = http1 && span(SPAN_TCP_RETRANSMIT) !== 'off';
  const wantsClose = event(EVENT_TCP_CONNECTION_CLOSE) || span(SPAN_TCP_CONNECTION) !== 'off';
  return {
    open: event(EVENT_TCP_CONNECTION_OPEN) || span(SPAN_TCP_CONNECT) === 'always',
    accept: event(EVENT_TCP_CONNECTION_ACCEPT) || span(SPAN_TCP_ACCEPT) !== 'off',
    fail: event(EVENT_TCP_CONNECTION_FAIL) || span(SPAN_TCP_CONNECT) === 'always',
    close: onTraces(wantsClose ? 'on' : 'off', examples(...AT_CLOSE)),
    state: event(EVENT_TCP_STATE_CHANGE),
    listener: event(EVENT_TCP_LISTENER_START) || event(EVENT_TCP_LISTENER_STOP),
    retransmit: onTraces(mode(EVENT_TCP_RETRANSMIT), wantsEpisodes || examples(METRIC_TCP_RETRANSMITS)),
    handshake:
      (http1 && span(SPAN_TCP_CONNECT) !== 'off') ||
      examples(METRIC_TCP_CONNECTION_OPENED, METRIC_TCP_HANDSHAKE_DURATION, ...AT_CLOSE),
    drop: onTraces(mode(EVENT_PACKET_DROP), examples(METRIC_PACKET_DROPPED)),
    reset: mode(EVENT_TCP_RESET) === 'on',
  };
}

/** Neither event is ever on a trace: `correlated` asks for nothing. */
function wantedEvents({ events }: AppConfig): SlowOptions['emit'] {
  return {
    latency: events.get(EVENT_TCP_LATENCY_OUTLIER.name) === 'on',
    softirqSlow: events.get(EVENT_SOFTIRQ_SLOW.name) === 'on',
  };
}

type Softirqs = Pick<KernelOptions, 'softirqs' | 'softirqDuration' | 'softirqWait'>;

function softirqOptions(config: AppConfig): Softirqs {
  const { metrics, thresholds } = config;
  const metric = ({ name }: MetricDescriptor): boolean => metrics.get(name) ?? false;
  const { softirqSlow } = wantedEvents(config);
  const softirqDuration = metric(METRIC_SOFTIRQ_DURATION);
  const softirqWait = metric(METRIC_SOFTIRQ_WAIT_DURATION) || (softirqSlow && thresholds.softirqWait > 0);
  const isSlowRunWanted = softirqSlow && thresholds.softirqRun > 0;
  const softirqs = metric(METRIC_SOFTIRQ_TIME) || softirqDuration || softirqWait || isSlowRunWanted;
  return { softirqs, softirqDuration, softirqWait };
}

type Receive = Pick<SlowOptions, 'thresholds' | 'receive' | 'receiveDuration'>;

function receiveOptions(config: AppConfig): Receive {
  const { metrics, thresholds } = config;
  const receiveDuration = metrics.get(METRIC_TCP_RECEIVE_QUEUE_DURATION.name) ?? false;
  const us = (ms: number): number => Math.round(ms * 1000);
  return {
    receive: receiveDuration || (wantedEvents(config).latency && thresholds.receiveQueue > 0),
    receiveDuration,
    thresholds: {
      handshakeUs: us(thresholds.handshake),
      acceptQueueUs: us(thresholds.acceptQueue),
      receiveQueueUs: us(thresholds.receiveQueue),
      rttUs: us(thresholds.rtt),
      softirqRunUs: us(thresholds.softirqRun),
      softirqWaitUs: us(thresholds.softirqWait),
    },
  };
}

/** The live view shows peers, though the metrics leave them out. */
function peerAddress(config: AppConfig): KernelOptions['peerAddress'] {
  if (config.attributes.has(ATTR_NETWORK_PEER_ADDRESS)) return 'all';
  return config.output === 'none' ? 'off' : 'clients';
}
