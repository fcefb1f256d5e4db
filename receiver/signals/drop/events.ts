import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_CODE_STACKTRACE,
  ATTR_DESTINATION_ADDRESS,
  ATTR_DESTINATION_PORT,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_PACKET_DROP_REASON,
  ATTR_SOURCE_ADDRESS,
  ATTR_SOURCE_PORT,
  ATTR_TCP_CONNECTION_ID,
  EVENT_PACKET_DROP,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { DropRecord } from '../../model/record.ts';

/** Events about dropped packets. */
export function dropEvents(parts: EventParts): RecordEvents {
  const { emitter, decisions, count } = parts;
  const drop = (record: DropRecord): void => {
    const { context } = count(decisions.decide(record.context, record.timeNs));
    emitter.event(EVENT_PACKET_DROP, { record, context, attributes: () => attributesOf(record, parts) });
  };
  return { handlers: { drop } };
}

function attributesOf(record: DropRecord, parts: EventParts): Attributes {
  const { names, connectionIds, mask } = parts;
  const attributes: Attributes = {
    [ATTR_NETWORK_TRANSPORT]: 'tcp',
    [ATTR_NETWORK_TYPE]: record.family === 6 ? 'ipv6' : 'ipv4',
    [ATTR_PACKET_DROP_REASON]: names.dropReason(record.reason),
  };
  const set = (key: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== 0 && value !== '') attributes[key] = value;
  };
  set(ATTR_SOURCE_ADDRESS, mask(record.sourceAddress));
  set(ATTR_SOURCE_PORT, record.sourcePort);
  set(ATTR_DESTINATION_ADDRESS, mask(record.destinationAddress));
  set(ATTR_DESTINATION_PORT, record.destinationPort);
  set(ATTR_NETWORK_LOCAL_PORT, record.localPort);
  set(ATTR_NETWORK_PEER_PORT, record.peerPort);
  set(ATTR_NETWORK_CONNECTION_STATE, record.state);
  set(ATTR_NETWORK_INTERFACE_NAME, record.interfaceName);
  set(ATTR_CODE_FUNCTION_NAME, names.functionAt(record.location));
  const stack = record.stack.map((address) => names.functionAt(address) ?? `0x${address.toString(16)}`);
  set(ATTR_CODE_STACKTRACE, stack.join('\n'));
  if (record.cookie !== 0n) set(ATTR_TCP_CONNECTION_ID, connectionIds(record.netns, record.cookie));
  return attributes;
}
