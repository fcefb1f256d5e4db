import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_TCP_RETRANSMIT_TYPE,
  METRIC_TCP_RETRANSMITS,
  TCP_RETRANSMIT_TYPE_VALUE_FAST,
  TCP_RETRANSMIT_TYPE_VALUE_SYN,
  TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
  TCP_RETRANSMIT_TYPE_VALUE_TAIL_LOSS_PROBE,
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
} from '../../../semconv/index.ts';
import type { RareSeries } from '../../model/metric-sink.ts';
import type { ConnectionKind } from '../context.ts';

const TYPES = [
  TCP_RETRANSMIT_TYPE_VALUE_FAST,
  TCP_RETRANSMIT_TYPE_VALUE_TAIL_LOSS_PROBE,
  TCP_RETRANSMIT_TYPE_VALUE_TIMEOUT,
];
const HANDSHAKE_TYPE = {
  client: TCP_RETRANSMIT_TYPE_VALUE_SYN,
  server: TCP_RETRANSMIT_TYPE_VALUE_SYN_ACK,
};

/** Retransmits by type; where states are told apart, there are too many. */
export function rareRetransmits(
  { role, attributes }: ConnectionKind,
  optIn: ReadonlySet<string>,
): readonly RareSeries[] {
  if (optIn.has(ATTR_NETWORK_CONNECTION_STATE)) return [];
  return [...TYPES, HANDSHAKE_TYPE[role]].map((type) => [
    METRIC_TCP_RETRANSMITS,
    { ...attributes, [ATTR_TCP_RETRANSMIT_TYPE]: type },
  ]);
}
