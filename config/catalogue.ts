// Stand-in until semconv/index.ts delivers METRICS, EVENTS and SPANS; same shape.

import type { EventDescriptor, MetricDescriptor, SpanDescriptor } from '../semconv/types.ts';

type Metric = Pick<MetricDescriptor, 'name' | 'switch' | 'description' | 'defaultOn'>;
type Event = Pick<EventDescriptor, 'name' | 'switch' | 'defaultMode'>;
type Span = Pick<SpanDescriptor, 'type' | 'switch' | 'name' | 'defaultMode' | 'modes'>;

export const METRICS: readonly Metric[] = [
  { name: 'wirespan.tcp.connection.opened', switch: 'metrics.tcp.connection.opened', description: 'Finished attempts.', defaultOn: true },
  { name: 'wirespan.tcp.state.duration', switch: 'metrics.tcp.state.duration', description: 'Time in a TCP state.', defaultOn: false },
];
export const EVENTS: readonly Event[] = [
  { name: 'wirespan.tcp.connection.fail', switch: 'events.tcp.connection.fail', defaultMode: 'on' },
  { name: 'wirespan.tcp.connection.close', switch: 'events.tcp.connection.close', defaultMode: 'off' },
  { name: 'wirespan.tcp.retransmit', switch: 'events.tcp.retransmit', defaultMode: 'correlated' },
];
const modes = ['always', 'correlated', 'off'] as const;
export const SPANS: readonly Span[] = [
  { type: 'wirespan.tcp.connect', name: 'tcp connect', switch: 'spans.tcp.connect', defaultMode: 'correlated', modes },
  { type: 'wirespan.tcp.connection', name: 'tcp connection', switch: 'spans.tcp.connection', defaultMode: 'off', modes },
  { type: 'wirespan.tcp.accept', name: 'tcp accept', switch: 'spans.tcp.accept', defaultMode: 'off', modes },
];
