import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_SERVER_PORT,
  METRIC_PACKET_DROPPED,
} from '../../../semconv/index.ts';
import type { RareSeries } from '../../model/metric-sink.ts';
import type { ConnectionKind } from '../context.ts';
import { dropAttributes } from './details.ts';

/** Why packets of a socket are dropped that is slow, or that a firewall cuts off. */
const REASONS = ['netfilter_drop', 'proto_mem', 'socket_backlog', 'tcp_zerowindow'];
const DETAILS = [
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_SERVER_PORT,
];

/** Dropped packets by reason; where more is told apart, there are too many. */
export function rareDrops({ family }: ConnectionKind, optIn: ReadonlySet<string>): readonly RareSeries[] {
  if (DETAILS.some((name) => optIn.has(name))) return [];
  return REASONS.map((reason) => [METRIC_PACKET_DROPPED, dropAttributes(reason, family)]);
}
