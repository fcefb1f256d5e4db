import {
  ATTR_TCP_CLOSE_REASON,
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_PACKET_DROP_REASON,
  ATTR_TCP_RETRANSMIT_TYPE,
  ATTR_SERVER_PORT,
  METRIC_PACKET_DROPPED,
  METRIC_TCP_ACCEPT_QUEUE_DURATION,
  METRIC_TCP_ACCEPT_QUEUE_LIMIT,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
  METRIC_TCP_ACCEPT_QUEUE_USAGE,
  METRIC_TCP_CONNECTION_ACTIVE,
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_DURATION,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_HANDSHAKE_DURATION,
  METRIC_TCP_IO,
  METRIC_TCP_RECEIVE_QUEUE_DURATION,
  METRIC_TCP_RESETS,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_RTT,
  METRIC_TCP_SEGMENTS,
  METRIC_TCP_SYN_QUEUE_OVERFLOWS,
  type MetricDescriptor,
} from '../../semconv/index.ts';
import { legendOf, overTime, switchOf, type Page, type Shown } from './panels.ts';
import { quantileOf, rateOf, seriesName, shareOf, sumOf, type Look } from './queries.ts';

const JOB = { job: '~$job' };
const SENT = { ...JOB, [ATTR_NETWORK_IO_DIRECTION]: 'transmit' };
const QUANTILES = { 'p50 ': 0.5, 'p95 ': 0.95, 'p99 ': 0.99 };

/** A look at the chosen services, by these. */
const of = (...by: readonly string[]): Look => ({ by, where: JOB });

/** Quantiles of the chosen services, each by these. */
function quantiles(metric: MetricDescriptor, ...by: readonly string[]): Shown['queries'] {
  return Object.fromEntries(
    Object.entries(QUANTILES).map(([name, q]) => [
      `${name}${legendOf(...by)}`,
      quantileOf(q, metric, of(...by)),
    ]),
  );
}

/** One service, or some. */
export const service: Page = {
  name: 'service',
  title: 'service',
  description: 'What the network did to a service: connections, loss, latency and queues.',
  variables: [{ label: 'job', values: `label_values(${seriesName(METRIC_TCP_CONNECTION_OPENED)}, job)` }],
  rows: {
    Connections: [
      overTime({
        title: 'Attempts',
        description:
          'Finished attempts to establish a connection, at both ends; with an error where they failed.',
        unit: 'cps',
        queries: {
          [legendOf('job', ATTR_ERROR_TYPE)]: rateOf(
            METRIC_TCP_CONNECTION_OPENED,
            of('job', ATTR_ERROR_TYPE),
          ),
        },
      }),
      overTime({
        title: 'Established now',
        description: 'By the port of the server, whichever end the service is.',
        unit: 'none',
        queries: {
          [legendOf('job', ATTR_SERVER_PORT)]: sumOf(
            METRIC_TCP_CONNECTION_ACTIVE,
            of('job', ATTR_SERVER_PORT),
          ),
        },
      }),
      overTime({
        title: 'What ended connections',
        description: 'The first cause wins.',
        unit: 'cps',
        isStacked: true,
        queries: {
          [legendOf(ATTR_TCP_CLOSE_REASON)]: rateOf(METRIC_TCP_CONNECTION_CLOSED, of(ATTR_TCP_CLOSE_REASON)),
        },
      }),
      overTime({
        title: 'How long they lived',
        description: 'From ESTABLISHED to closed.',
        unit: 's',
        hasExemplars: true,
        queries: quantiles(METRIC_TCP_CONNECTION_DURATION, 'job'),
      }),
      overTime({
        title: 'Resets',
        description: 'RST segments sent and received.',
        unit: 'cps',
        queries: {
          [legendOf('job', ATTR_NETWORK_IO_DIRECTION)]: rateOf(
            METRIC_TCP_RESETS,
            of('job', ATTR_NETWORK_IO_DIRECTION),
          ),
        },
      }),
      overTime({
        title: 'Traffic',
        description: 'Payload; what was sent counts when it was acknowledged.',
        unit: 'Bps',
        queries: {
          [legendOf('job', ATTR_NETWORK_IO_DIRECTION)]: rateOf(
            METRIC_TCP_IO,
            of('job', ATTR_NETWORK_IO_DIRECTION),
          ),
        },
      }),
    ],
    'Loss and latency': [
      overTime({
        title: 'Segments sent again',
        description: 'Of those that were sent.',
        unit: 'percentunit',
        queries: {
          [legendOf('job')]: shareOf(
            rateOf(METRIC_TCP_RETRANSMITS, of('job')),
            rateOf(METRIC_TCP_SEGMENTS, { by: ['job'], where: SENT }),
          ),
        },
      }),
      overTime({
        title: 'Why segments were sent again',
        description: 'A timeout costs 200 ms and more, a fast retransmission a round trip.',
        unit: 'pps',
        isStacked: true,
        queries: {
          [legendOf(ATTR_TCP_RETRANSMIT_TYPE)]: rateOf(METRIC_TCP_RETRANSMITS, of(ATTR_TCP_RETRANSMIT_TYPE)),
        },
      }),
      overTime({
        title: 'Handshakes',
        description: 'From the first SYN (a server: the SYN-ACK) to ESTABLISHED. 1 s and more are lost SYNs.',
        unit: 's',
        hasExemplars: true,
        queries: quantiles(METRIC_TCP_HANDSHAKE_DURATION, 'job'),
      }),
      overTime({
        title: 'Round trips',
        description: 'Smoothed round-trip times.',
        unit: 's',
        hasExemplars: true,
        queries: quantiles(METRIC_TCP_RTT, 'job', ATTR_SERVER_PORT),
      }),
      overTime({
        title: 'Packets dropped',
        description: 'By the kernel of the host that the service runs on.',
        unit: 'pps',
        isStacked: true,
        queries: {
          [legendOf(ATTR_PACKET_DROP_REASON)]: rateOf(METRIC_PACKET_DROPPED, of(ATTR_PACKET_DROP_REASON)),
        },
      }),
    ],
    'Queues: is it the application?': [
      overTime({
        title: 'Waits in the receive queue',
        description: `From data reaching TCP to the application reading it.${switchOf(METRIC_TCP_RECEIVE_QUEUE_DURATION)}`,
        unit: 's',
        hasExemplars: true,
        queries: quantiles(METRIC_TCP_RECEIVE_QUEUE_DURATION, 'job'),
      }),
      overTime({
        title: 'Waits for accept()',
        description: 'A client takes such a connection for established.',
        unit: 's',
        hasExemplars: true,
        queries: quantiles(METRIC_TCP_ACCEPT_QUEUE_DURATION, 'job', ATTR_SERVER_PORT),
      }),
      overTime({
        title: 'Accept queues',
        description: 'How full, of their limit.',
        unit: 'percentunit',
        queries: {
          [legendOf('job', ATTR_SERVER_PORT)]: shareOf(
            sumOf(METRIC_TCP_ACCEPT_QUEUE_USAGE, of('job', ATTR_SERVER_PORT)),
            sumOf(METRIC_TCP_ACCEPT_QUEUE_LIMIT, of('job', ATTR_SERVER_PORT)),
          ),
        },
      }),
      overTime({
        title: 'Queues that were full',
        description: 'Connections refused by a full accept queue, and times that a SYN queue was full.',
        unit: 'cps',
        queries: {
          [`accept ${legendOf('job', ATTR_SERVER_PORT)}`]: rateOf(
            METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
            of('job', ATTR_SERVER_PORT),
          ),
          [`SYN ${legendOf('job', ATTR_SERVER_PORT)}`]: rateOf(
            METRIC_TCP_SYN_QUEUE_OVERFLOWS,
            of('job', ATTR_SERVER_PORT),
          ),
        },
      }),
    ],
  },
};
