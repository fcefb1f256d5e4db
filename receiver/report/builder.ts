import type { Attributes, HrTime } from '@opentelemetry/api';
import type { Histogram, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import {
  ATTR_CPU_LOGICAL_NUMBER,
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_PACKET_DROP_REASON,
  ATTR_SOFTIRQ_VECTOR,
  ATTR_TCP_HANDSHAKE_ROLE,
  ATTR_TCP_RETRANSMIT_SEGMENTS,
  ATTR_TCP_RETRANSMIT_TYPE,
  EVENT_PACKET_DROP,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_RESET,
  EVENT_TCP_RETRANSMIT,
  METRIC_PACKET_DROPPED,
  METRIC_SOFTIRQ_TIME,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
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
} from '../../semconv/index.ts';
import type { NetworkEvent, NetworkSpan } from '../model/event.ts';
import { WorstConnections } from './connections.ts';
import { Distributions } from './distributions.ts';
import { Listeners } from './listeners.ts';
import { dropPeerOf, nameOf, numberOf, peerNameOf, peerOf } from './read.ts';
import type { Facts, Report, Totals } from './report.ts';
import { HurtRequests } from './requests.ts';
import { SoftirqSeconds } from './softirqs.ts';
import { Tally } from './tally.ts';
import { MAX_SLICES, TimeAxis } from './time-axis.ts';

type Sums = Partial<Record<keyof Totals, number>>;

/** A point with a number, or with a histogram, and when in its interval it was. */
interface NumberPoint {
  readonly attributes: Attributes;
  readonly value: number;
  readonly ms: number;
}
interface HistogramPoint {
  readonly attributes: Attributes;
  readonly value: Histogram;
}

/**
 * What metrics (deltas), events and spans say, as the figures of a page. It counts nothing of its own: sums are the
 * metrics', peers, connections and requests the events'. However much it is given, it keeps a bounded part of it.
 */
export class ReportBuilder {
  readonly #axis: TimeAxis;
  readonly #sums: Sums = {};
  readonly #byType: Tally;
  readonly #retransmitPeers: Tally;
  readonly #byReason: Tally;
  readonly #dropPeers: Tally;
  readonly #byDirection: Tally;
  readonly #resetPeers: Tally;
  readonly #byError: Tally;
  readonly #failurePeers: Tally;
  readonly #rtt = new Distributions();
  readonly #handshakes = new Distributions();
  readonly #fill = new Distributions();
  readonly #listeners = new Listeners();
  readonly #softirqs = new SoftirqSeconds();
  readonly #connections = new WorstConnections();
  readonly #requests = new HurtRequests();
  readonly #numbers: Readonly<Record<string, (point: NumberPoint) => void>>;
  readonly #histograms: Readonly<Record<string, (point: HistogramPoint) => void>>;
  readonly #events: Readonly<Record<string, (attributes: Attributes, ms: number) => void>>;

  /** `startMs`: Unix milliseconds. */
  constructor(startMs: number) {
    this.#axis = new TimeAxis(startMs);
    const tally = (): Tally => new Tally(this.#axis);
    [this.#byType, this.#retransmitPeers] = [tally(), tally()];
    [this.#byReason, this.#dropPeers] = [tally(), tally()];
    [this.#byDirection, this.#resetPeers] = [tally(), tally()];
    [this.#byError, this.#failurePeers] = [tally(), tally()];
    this.#numbers = this.#numberMetrics();
    this.#histograms = this.#histogramMetrics();
    this.#events = this.#eventNames();
  }

  /** What one collection gave, with delta temporality. */
  metrics(collected: readonly ResourceMetrics[]): void {
    for (const { resource, scopeMetrics } of collected)
      for (const { descriptor, dataPoints } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
        const { name } = descriptor;
        for (const { attributes, value, startTime, endTime } of dataPoints) {
          this.#listeners.add({ name, resource, attributes, value: value as number | Histogram });
          if (typeof value === 'number')
            this.#numbers[name]?.({ attributes, value, ms: (msOf(startTime) + msOf(endTime)) / 2 });
          else this.#histograms[name]?.({ attributes, value: value as Histogram });
        }
      }
  }

  event(event: NetworkEvent): void {
    this.#events[event.name]?.(event.attributes, Number(event.timeUnixNs / 1_000_000n));
    this.#connections.event(event);
    this.#requests.event(event);
  }

  span(span: NetworkSpan): void {
    this.#requests.span(span);
  }

  /** `facts`: without what a bound of the report kept out, which is added. */
  build(facts: Facts): Report {
    const last = this.#axis.sliceOf(facts.startMs + facts.seconds * 1e3);
    const count = Math.min(MAX_SLICES, last + 1);
    const totals: Totals = { ...NO_TOTALS, ...this.#sums };
    const connections = this.#connections.ranking();
    const requests = this.#requests.ranking();
    const listeners = this.#listeners.ranking();
    return {
      version: 1,
      facts: { ...facts, leftOut: [...facts.leftOut, ...this.#boundsMet()] },
      totals,
      slices: { startMs: this.#axis.startMs, seconds: this.#axis.widthMs / 1e3, count },
      retransmits: {
        byType: this.#byType.breakdown(count),
        byPeer: this.#retransmitPeers.breakdown(count),
      },
      drops: { byReason: this.#byReason.breakdown(count), byPeer: this.#dropPeers.breakdown(count) },
      resets: { byDirection: this.#byDirection.breakdown(count), byPeer: this.#resetPeers.breakdown(count) },
      failures: { byError: this.#byError.breakdown(count), byPeer: this.#failurePeers.breakdown(count) },
      rtt: this.#rtt.all(),
      handshakes: this.#handshakes.all(),
      acceptQueues: { fill: this.#fill.all(), listeners },
      softirqs: this.#softirqs.times(),
      connections,
      requests,
    };
  }

  #boundsMet(): Facts['leftOut'] {
    return [
      { what: 'open connections ranked early (10,000)', count: this.#connections.rankedEarly },
      { what: 'requests ranked early (10,000)', count: this.#requests.rankedEarly },
      { what: 'listeners ranked early (10,000)', count: this.#listeners.rankedEarly },
    ].filter(({ count }) => count > 0);
  }

  #add(total: keyof Totals, count: number): void {
    this.#sums[total] = (this.#sums[total] ?? 0) + count;
  }

  #numberMetrics(): Readonly<Record<string, (point: NumberPoint) => void>> {
    const isSent = (attributes: Attributes): boolean => attributes[ATTR_NETWORK_IO_DIRECTION] === 'transmit';
    return {
      [METRIC_TCP_RETRANSMITS.name]: ({ attributes, value, ms }) => {
        this.#add('retransmits', value);
        this.#byType.add(nameOf(attributes, ATTR_TCP_RETRANSMIT_TYPE), ms, value);
      },
      [METRIC_PACKET_DROPPED.name]: ({ attributes, value, ms }) => {
        this.#add('drops', value);
        this.#byReason.add(nameOf(attributes, ATTR_PACKET_DROP_REASON), ms, value);
      },
      [METRIC_TCP_RESETS.name]: ({ attributes, value, ms }) => {
        this.#add('resets', value);
        this.#byDirection.add(isSent(attributes) ? 'sent' : 'received', ms, value);
      },
      [METRIC_TCP_CONNECTION_OPENED.name]: ({ attributes, value, ms }) => {
        const isFailed = ATTR_ERROR_TYPE in attributes;
        this.#add(isFailed ? 'failed' : 'opened', value);
        if (isFailed) this.#byError.add(nameOf(attributes, ATTR_ERROR_TYPE), ms, value);
      },
      [METRIC_TCP_CONNECTION_CLOSED.name]: ({ value }) => this.#add('closed', value),
      [METRIC_TCP_SEGMENTS.name]: ({ attributes, value }) =>
        this.#add(isSent(attributes) ? 'segmentsSent' : 'segmentsReceived', value),
      [METRIC_TCP_IO.name]: ({ attributes, value }) =>
        this.#add(isSent(attributes) ? 'bytesSent' : 'bytesReceived', value),
      [METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS.name]: ({ value }) => this.#add('acceptOverflows', value),
      [METRIC_TCP_SYN_QUEUE_OVERFLOWS.name]: ({ value }) => this.#add('synOverflows', value),
      [METRIC_SOFTIRQ_TIME.name]: ({ attributes, value }) =>
        this.#softirqs.add(
          numberOf(attributes, ATTR_CPU_LOGICAL_NUMBER) ?? -1,
          nameOf(attributes, ATTR_SOFTIRQ_VECTOR),
          value,
        ),
    };
  }

  #histogramMetrics(): Readonly<Record<string, (point: HistogramPoint) => void>> {
    const role = (attributes: Attributes): string => nameOf(attributes, ATTR_TCP_HANDSHAKE_ROLE);
    return {
      [METRIC_TCP_RTT.name]: ({ attributes, value }) => this.#rtt.add(role(attributes), value),
      [METRIC_TCP_HANDSHAKE_DURATION.name]: ({ attributes, value }) =>
        this.#handshakes.add(
          ATTR_ERROR_TYPE in attributes ? `${role(attributes)}, failed` : role(attributes),
          value,
        ),
      [METRIC_TCP_ACCEPT_QUEUE_UTILIZATION.name]: ({ value }) => this.#fill.add('all listeners', value),
    };
  }

  #eventNames(): Readonly<Record<string, (attributes: Attributes, ms: number) => void>> {
    return {
      [EVENT_TCP_RETRANSMIT.name]: (attributes, ms) =>
        this.#retransmitPeers.add(
          peerNameOf(attributes),
          ms,
          numberOf(attributes, ATTR_TCP_RETRANSMIT_SEGMENTS) ?? 0,
        ),
      [EVENT_PACKET_DROP.name]: (attributes, ms) => this.#dropPeers.add(dropPeerOf(attributes).name, ms, 1),
      [EVENT_TCP_RESET.name]: (attributes, ms) => this.#resetPeers.add(peerNameOf(attributes), ms, 1),
      // The port says which service it was that did not answer.
      [EVENT_TCP_CONNECTION_FAIL.name]: (attributes, ms) =>
        this.#failurePeers.add(`${peerOf(attributes)}, ${nameOf(attributes, ATTR_ERROR_TYPE)}`, ms, 1),
    };
  }
}

const NO_TOTALS: Totals = {
  ...{ opened: 0, failed: 0, closed: 0, retransmits: 0, drops: 0, resets: 0 },
  ...{ segmentsSent: 0, segmentsReceived: 0, bytesSent: 0, bytesReceived: 0 },
  ...{ acceptOverflows: 0, synOverflows: 0 },
};

function msOf([seconds, nanos]: HrTime): number {
  return seconds * 1e3 + nanos / 1e6;
}
