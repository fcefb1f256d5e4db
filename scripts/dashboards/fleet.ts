import {
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_PACKET_DROP_REASON,
  ATTR_SERVER_PORT,
  METRIC_PACKET_DROPPED,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
  METRIC_TCP_CONNECTION_ACTIVE,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_RTT,
  METRIC_TCP_SEGMENTS,
} from '../../semconv/index.ts';
import { legendOf, now, overTime, ranking, type Page } from './panels.ts';
import { increaseOf, quantileOf, rateOf, seriesName, shareOf, sumOf } from './queries.ts';

const SENT = { [ATTR_NETWORK_IO_DIRECTION]: 'transmit' };
const FAILED = { [ATTR_ERROR_TYPE]: '!' };
const WORST = 15;

const worst = (expression: string): string => `topk(${String(WORST)}, ${expression})`;

/** All hosts, and where to look first. */
export const fleet: Page = {
  name: 'fleet',
  title: 'fleet',
  description: 'All hosts, and where to look first.',
  variables: [],
  rows: {
    'What is seen': [
      now({
        title: 'Hosts',
        description: 'Hosts that tell of themselves.',
        unit: 'none',
        queries: { hosts: 'count(count by (host_name) (target_info{host_name!=""}))' },
      }),
      now({
        title: 'Services',
        description: 'Names of services with a connection.',
        unit: 'none',
        queries: { services: `count(count by (job) (${seriesName(METRIC_TCP_CONNECTION_ACTIVE)}))` },
      }),
      now({
        title: 'Connections',
        description: 'Established now; of one with both ends in the fleet, both.',
        unit: 'none',
        queries: { connections: sumOf(METRIC_TCP_CONNECTION_ACTIVE) },
      }),
      now({
        title: 'Segments sent again',
        description: 'Of all that were sent.',
        unit: 'percentunit',
        queries: {
          share: shareOf(rateOf(METRIC_TCP_RETRANSMITS), rateOf(METRIC_TCP_SEGMENTS, { where: SENT })),
        },
      }),
    ],
    'Where it hurts': [
      overTime({
        title: 'Services that send most again',
        description: 'Segments sent again, of those that the service sent.',
        unit: 'percentunit',
        queries: {
          [legendOf('job')]: worst(
            shareOf(
              rateOf(METRIC_TCP_RETRANSMITS, { by: ['job'] }),
              rateOf(METRIC_TCP_SEGMENTS, { by: ['job'], where: SENT }),
            ),
          ),
        },
      }),
      overTime({
        title: 'Attempts that failed',
        description: 'Connections that were not established, by the error that the application got.',
        unit: 'cps',
        queries: {
          [legendOf('job', ATTR_ERROR_TYPE)]: worst(
            rateOf(METRIC_TCP_CONNECTION_OPENED, { by: ['job', ATTR_ERROR_TYPE], where: FAILED }),
          ),
        },
      }),
      overTime({
        title: 'Slowest round trips',
        description: 'The 95th percentile of smoothed round-trip times, by service.',
        unit: 's',
        hasExemplars: true,
        queries: { [legendOf('job')]: worst(quantileOf(0.95, METRIC_TCP_RTT, { by: ['job'] })) },
      }),
      overTime({
        title: 'Packets dropped',
        description: 'By the kernel, with its reason.',
        unit: 'pps',
        isStacked: true,
        queries: {
          [legendOf(ATTR_PACKET_DROP_REASON)]: rateOf(METRIC_PACKET_DROPPED, {
            by: [ATTR_PACKET_DROP_REASON],
          }),
        },
      }),
      ranking({
        title: 'Accept queues that were full in the last hour',
        description: 'Connections refused since accept() did not keep up.',
        unit: 'short',
        queries: {
          overflows: `${increaseOf(METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS, { by: ['job', ATTR_SERVER_PORT], over: '1h' })} > 0`,
        },
      }),
      ranking({
        title: 'Services with the most failed attempts in the last hour',
        description: 'By error.',
        unit: 'short',
        queries: {
          failed: worst(
            `${increaseOf(METRIC_TCP_CONNECTION_OPENED, { by: ['job', ATTR_ERROR_TYPE], where: FAILED, over: '1h' })} > 0`,
          ),
        },
      }),
    ],
  },
};
