import type { RecordDecoder } from '../../decode/batch.ts';
import { readAddress, readText } from '../../decode/bytes.ts';
import {
  PACKET_POINT,
  PACKET_RECORD,
  PACKET_RECORD_LENGTH,
  PROBE_ID,
  RECORD_HEADER,
  RECORD_KIND,
  SENT_PACKET_RECORD,
} from '../../decode/generated/layout.ts';
import { NO_OWNER, type OwnerTable } from '../../decode/owners.ts';
import { decodeContext, decodeStream } from '../../decode/socket.ts';
import type { PacketPoint, PacketRecord } from '../../model/packets.ts';

/** By `enum packet_point`. */
const POINTS: Readonly<Record<number, PacketPoint>> = {
  [PACKET_POINT.POINT_QUEUE]: 'queue',
  [PACKET_POINT.POINT_TRANSMIT]: 'transmit',
  [PACKET_POINT.POINT_BACKLOG]: 'backlog',
  [PACKET_POINT.POINT_RECEIVE]: 'receive',
  [PACKET_POINT.POINT_TCP]: 'tcp',
  [PACKET_POINT.POINT_READY]: 'ready',
  [PACKET_POINT.POINT_READ]: 'read',
  [PACKET_POINT.POINT_FREED]: 'freed',
  [PACKET_POINT.POINT_LOST]: 'lost',
};

function decodePacket(view: DataView, at: number, owners: OwnerTable): PacketRecord | undefined {
  const u16 = (offset: number): number => view.getUint16(at + offset, true);
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  const u64 = (offset: number): bigint => view.getBigUint64(at + offset, true);
  const point = POINTS[view.getUint8(at + PACKET_RECORD.point)];
  if (point === undefined) return undefined;
  const family = view.getUint8(at + PACKET_RECORD.family) === 6 ? 6 : 4;
  return {
    kind: 'packet',
    timeNs: u64(RECORD_HEADER.ts_ns),
    owner: NO_OWNER,
    point,
    packet: u64(PACKET_RECORD.packet),
    cookie: u64(PACKET_RECORD.cookie),
    netns: u32(PACKET_RECORD.netns),
    family,
    sourceAddress: readAddress(view, at + PACKET_RECORD.source, family),
    sourcePort: u16(PACKET_RECORD.source_port),
    destinationAddress: readAddress(view, at + PACKET_RECORD.destination, family),
    destinationPort: u16(PACKET_RECORD.destination_port),
    seq: u32(PACKET_RECORD.seq),
    ack: u32(PACKET_RECORD.ack),
    payload: u32(PACKET_RECORD.payload),
    window: u16(PACKET_RECORD.window),
    segments: u16(PACKET_RECORD.segments),
    flags: view.getUint8(at + PACKET_RECORD.flags),
    interfaceIndex: u32(PACKET_RECORD.interface_index),
    interfaceName: readText(view, at + PACKET_RECORD.interface, PACKET_RECORD_LENGTH.interface),
    cpu: u16(PACKET_RECORD.cpu),
    reason: u32(PACKET_RECORD.reason),
    isUnobserved: view.getUint8(at + PACKET_RECORD.unobserved) !== 0,
    ...(u32(RECORD_HEADER.bytes) >= SENT_PACKET_RECORD.size && decodeSender(view, at, owners)),
  };
}

/** Whose it is: what `struct sent_packet_record` has more. */
function decodeSender(
  view: DataView,
  at: number,
  owners: OwnerTable,
): Pick<PacketRecord, 'owner' | 'context' | 'stream'> {
  const context = decodeContext(view, at + SENT_PACKET_RECORD.context);
  const stream = decodeStream(view, at + SENT_PACKET_RECORD.stream);
  return {
    owner: owners.find(view, at + SENT_PACKET_RECORD.owner),
    ...(context !== undefined && { context }),
    ...(stream !== undefined && { stream }),
  };
}

/** `struct packet_record`, and the longer `struct sent_packet_record`. */
export const packetDecoder: RecordDecoder<PacketRecord> = {
  kind: RECORD_KIND.RECORD_PACKET,
  size: PACKET_RECORD.size,
  decode: decodePacket,
  probeOf: () => PROBE_ID.PROBE_PACKET,
};
