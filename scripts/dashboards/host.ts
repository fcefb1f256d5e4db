import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_PACKET_DROP_REASON,
  ATTR_PEER_CIDR,
  ATTR_SOFTIRQ_VECTOR,
  METRIC_PACKET_DROPPED,
  METRIC_SOFTIRQ_DURATION,
  METRIC_SOFTIRQ_TIME,
  METRIC_SYSTEM_NETWORK_CONNECTION_COUNT,
  METRIC_TCP_IO,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_RTT,
  METRIC_TCP_SEGMENTS,
  METRIC_TCP_SUBNET_IO,
} from '../../semconv/index.ts';
import { legendOf, overTime, type Page } from './panels.ts';
import { quantileOf, rateOf, shareOf, sumOf, type Look } from './queries.ts';

/** A look at the chosen hosts, by these. */
const of = (...by: readonly string[]): Look => ({ by: ['host_name', ...by], hosts: true });
const legend = (...by: readonly string[]): string => legendOf('host_name', ...by);

/** One host, or some. */
export const host: Page = {
  name: 'host',
  title: 'host',
  description: 'What one host does for TCP: softirqs, sockets, drops, and which services send again.',
  variables: [{ label: 'host', values: 'label_values(target_info, host_name)' }],
  rows: {
    'The kernel': [
      overTime({
        title: 'Time in softirqs',
        description: 'Processors that are busy with each vector.',
        unit: 'none',
        isStacked: true,
        queries: { [legend(ATTR_SOFTIRQ_VECTOR)]: rateOf(METRIC_SOFTIRQ_TIME, of(ATTR_SOFTIRQ_VECTOR)) },
      }),
      overTime({
        title: 'Longest softirqs',
        description: 'The 99th percentile of one run of a handler.',
        unit: 's',
        queries: {
          [legend(ATTR_SOFTIRQ_VECTOR)]: quantileOf(0.99, METRIC_SOFTIRQ_DURATION, of(ATTR_SOFTIRQ_VECTOR)),
        },
      }),
      overTime({
        title: 'Sockets',
        description: 'TCP sockets by their state.',
        unit: 'none',
        queries: {
          [legend(ATTR_NETWORK_CONNECTION_STATE)]: sumOf(
            METRIC_SYSTEM_NETWORK_CONNECTION_COUNT,
            of(ATTR_NETWORK_CONNECTION_STATE),
          ),
        },
      }),
      overTime({
        title: 'Packets dropped',
        description: "Those of no workload too, with the kernel's reason.",
        unit: 'pps',
        isStacked: true,
        queries: {
          [legend(ATTR_PACKET_DROP_REASON)]: rateOf(METRIC_PACKET_DROPPED, of(ATTR_PACKET_DROP_REASON)),
        },
      }),
    ],
    'Its services': [
      overTime({
        title: 'Segments sent again',
        description: 'Of those that each service sent.',
        unit: 'percentunit',
        queries: {
          [legend('job')]: shareOf(
            rateOf(METRIC_TCP_RETRANSMITS, of('job')),
            rateOf(METRIC_TCP_SEGMENTS, { ...of('job'), where: { [ATTR_NETWORK_IO_DIRECTION]: 'transmit' } }),
          ),
        },
      }),
      overTime({
        title: 'Round trips',
        description: 'The 95th percentile of smoothed round-trip times.',
        unit: 's',
        hasExemplars: true,
        queries: { [legend('job')]: quantileOf(0.95, METRIC_TCP_RTT, of('job')) },
      }),
      overTime({
        title: 'Traffic',
        description: 'Payload of each service.',
        unit: 'Bps',
        queries: {
          [legend('job', ATTR_NETWORK_IO_DIRECTION)]: rateOf(
            METRIC_TCP_IO,
            of('job', ATTR_NETWORK_IO_DIRECTION),
          ),
        },
      }),
      overTime({
        title: 'Traffic by network',
        description: 'Payload by the networks that `subnets` names; nothing when it names none.',
        unit: 'Bps',
        isStacked: true,
        queries: {
          [legend(ATTR_PEER_CIDR, ATTR_NETWORK_IO_DIRECTION)]: rateOf(
            METRIC_TCP_SUBNET_IO,
            of(ATTR_PEER_CIDR, ATTR_NETWORK_IO_DIRECTION),
          ),
        },
      }),
    ],
  },
};
