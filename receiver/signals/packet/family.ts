import { ipv4Bytes, ipv6Bytes } from '../../model/address-bytes.ts';
import type { PacketsWanted } from '../../model/packets.ts';
import { METRIC_PACKET_STAGE_DURATION } from '../../../semconv/index.ts';
import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import { onTracepoint, type Probe, type VariableValue } from '../kernel.ts';
import { packetDecoder } from './decode.ts';
import { packetEvents } from './events.ts';
import { PacketStages } from './stage-sums.ts';

export interface PacketOptions {
  readonly packets: PacketsWanted | undefined;
}

/** So many ports the kernel side compares with; of more, user space leaves out the others. */
const MAX_PORTS = 4;

/** Bytes of the ring of packets alone: 32,000 points, some 4,600 packets. */
const RING_BYTES = 4 << 20;

const isOfViews = true;
const isWanted = ({ packets }: PacketOptions): boolean => packets !== undefined;
const isReadWanted = ({ packets }: PacketOptions): boolean => packets?.reads === true;

/** Other families have probes on some of these tracepoints. */
function probe(tracepoint: string, program: string): Probe<PacketOptions> {
  return { ...onTracepoint(tracepoint, program, { isWanted }), name: `packet_${tracepoint}` };
}

/** One packet's way through the stack. Where it goes on is found in user space. */
export const packet: Family<PacketOptions> = {
  name: 'packet',
  options: ({ packets }) => ({ packets }),
  probes: [
    // What ends a way comes first: a way that is seen to begin is seen to end.
    probe('kfree_skb', 'ws_packet_lost'),
    probe('consume_skb', 'ws_packet_freed'),
    onTracepoint('tcp_rcv_space_adjust', 'ws_packet_read', { isWanted: isReadWanted, isOfViews }),
    onTracepoint('sk_data_ready', 'ws_packet_ready', { isWanted: isReadWanted, isOfViews }),
    probe('tcp_probe', 'ws_packet_tcp'),
    probe('netif_receive_skb', 'ws_packet_receive'),
    probe('netif_rx', 'ws_packet_backlog'),
    probe('net_dev_start_xmit', 'ws_packet_transmit'),
    probe('net_dev_queue', 'ws_packet_queue'),
  ],
  variables,
  kernelMaps: [{ name: 'packets', entries: (wanted) => (isWanted(wanted) ? RING_BYTES : undefined) }],
  probeNames: { [PROBE_ID.PROBE_PACKET]: 'packet_net_dev_queue' },
  records: [packetDecoder],
  sums: createSums,
  events: packetEvents,
};

/** Ways are joined only when something is made of them. */
function createSums(parts: SumsParts): FamilySums {
  const isWanted = parts.context.isOn(METRIC_PACKET_STAGE_DURATION) || parts.slowPackets !== undefined;
  return isWanted ? new PacketStages(parts) : { maps: [] };
}

function variables({ packets }: PacketOptions): Readonly<Record<string, VariableValue>> {
  const { ports = [], address, sample = 1, senders = false } = packets ?? {};
  const [start, end] = addressParts(address);
  return {
    cfg_packet_ports: ports.length > MAX_PORTS ? 0n : portsNumber(ports),
    cfg_packet_family: address === undefined ? 0 : familyOf(address),
    cfg_packet_address: start,
    cfg_packet_address_end: end,
    cfg_packet_sample: BigInt(sample),
    cfg_packet_senders: senders,
  };
}

/** 16 bits each. */
function portsNumber(ports: readonly number[]): bigint {
  return ports.reduce((all, port) => (all << 16n) | BigInt(port), 0n);
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** The 16 bytes that records have of an address, as two numbers. */
function addressParts(address: string | undefined): readonly [bigint, bigint] {
  if (address === undefined) return [0n, 0n];
  const bytes = new Uint8Array(16);
  bytes.set(familyOf(address) === 6 ? ipv6Bytes(address) : ipv4Bytes(address));
  const view = new DataView(bytes.buffer);
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)];
}
