import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_DESTINATION_ADDRESS,
  ATTR_DESTINATION_PORT,
  ATTR_LATENCY_VALUE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_PACKET_DROP_REASON,
  ATTR_PACKET_PAYLOAD_SIZE,
  ATTR_PACKET_SEQUENCE,
  ATTR_PACKET_STAGE,
  ATTR_PACKET_WAY_CPUS,
  ATTR_PACKET_WAY_INTERFACES,
  ATTR_PACKET_WAY_NAMESPACES,
  ATTR_PACKET_WAY_STAGES,
  ATTR_PACKET_WAY_VALUES,
  ATTR_SOURCE_ADDRESS,
  ATTR_SOURCE_PORT,
  ATTR_TCP_CONNECTION_ID,
  EVENT_PACKET_SLOW,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { SlowPacketRecord } from '../../model/packets.ts';

/** Events about packets that a stage held longer than the threshold, on the trace of the request whose bytes they have. */
export function packetEvents(parts: EventParts): RecordEvents {
  const { emitter, decisions, count } = parts;
  const slow = (record: SlowPacketRecord): void => {
    const { context } = count(decisions.decide(record.context, record.timeNs));
    emitter.event(EVENT_PACKET_SLOW, {
      record,
      context,
      timeNs: record.endNs,
      attributes: () => attributesOf(record, parts),
    });
  };
  return { handlers: { slow_packet: slow } };
}

function attributesOf(record: SlowPacketRecord, { names, connectionIds, mask }: EventParts): Attributes {
  const { head, stages, longest, lostReason, cookie, netns } = record;
  const [source, destination] = [mask(head.sourceAddress), mask(head.destinationAddress)];
  const name = longest.from.interfaceName;
  return {
    [ATTR_NETWORK_TRANSPORT]: 'tcp',
    [ATTR_NETWORK_TYPE]: head.family === 6 ? 'ipv6' : 'ipv4',
    ...(source !== undefined && { [ATTR_SOURCE_ADDRESS]: source }),
    [ATTR_SOURCE_PORT]: head.sourcePort,
    ...(destination !== undefined && { [ATTR_DESTINATION_ADDRESS]: destination }),
    [ATTR_DESTINATION_PORT]: head.destinationPort,
    [ATTR_PACKET_SEQUENCE]: head.seq,
    [ATTR_PACKET_PAYLOAD_SIZE]: head.payload,
    [ATTR_PACKET_STAGE]: longest.name,
    ...(name !== '' && { [ATTR_NETWORK_INTERFACE_NAME]: name }),
    [ATTR_LATENCY_VALUE]: longest.ms / 1e3,
    [ATTR_PACKET_WAY_STAGES]: stages.map((stage) => stage.name),
    [ATTR_PACKET_WAY_VALUES]: stages.map(({ ms }) => ms / 1e3),
    [ATTR_PACKET_WAY_INTERFACES]: stages.map(({ from }) => from.interfaceName),
    [ATTR_PACKET_WAY_NAMESPACES]: stages.map(({ from }) => from.netns),
    [ATTR_PACKET_WAY_CPUS]: stages.map(({ from }) => from.cpu),
    ...(lostReason !== undefined && { [ATTR_PACKET_DROP_REASON]: names.dropReason(lostReason) }),
    ...(cookie !== 0n && { [ATTR_TCP_CONNECTION_ID]: connectionIds(netns, cookie) }),
  };
}
