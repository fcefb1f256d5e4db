import { ipv4Bytes, ipv6Bytes } from '../../model/address-bytes.ts';
import type { PacketsWanted } from '../../model/packets.ts';
import type { Family } from '../family.ts';
import { onTracepoint, type VariableValue } from '../kernel.ts';
import { packetDecoder } from './decode.ts';

export interface PacketOptions {
  readonly packets: PacketsWanted | undefined;
}

/** So many ports the kernel side compares with; of more, user space leaves out the others. */
const MAX_PORTS = 4;

const isOfViews = true;
const isWanted = ({ packets }: PacketOptions): boolean => packets !== undefined;
const isReadWanted = ({ packets }: PacketOptions): boolean => packets?.reads === true;

/** One packet's way through the stack, for views. No metric is made of it. */
export const packet: Family<PacketOptions> = {
  name: 'packet',
  options: ({ packets }) => ({ packets }),
  probes: [
    // What ends a way comes first: a way that is seen to begin is seen to end.
    onTracepoint('kfree_skb', 'ws_packet_lost', { isWanted, isOfViews }),
    onTracepoint('consume_skb', 'ws_packet_freed', { isWanted, isOfViews }),
    onTracepoint('tcp_rcv_space_adjust', 'ws_packet_read', { isWanted: isReadWanted, isOfViews }),
    onTracepoint('sk_data_ready', 'ws_packet_ready', { isWanted: isReadWanted, isOfViews }),
    onTracepoint('tcp_probe', 'ws_packet_tcp', { isWanted, isOfViews }),
    onTracepoint('netif_receive_skb', 'ws_packet_receive', { isWanted, isOfViews }),
    onTracepoint('netif_rx', 'ws_packet_backlog', { isWanted, isOfViews }),
    onTracepoint('net_dev_start_xmit', 'ws_packet_transmit', { isWanted, isOfViews }),
    onTracepoint('net_dev_queue', 'ws_packet_queue', { isWanted, isOfViews }),
  ],
  variables,
  records: [packetDecoder],
};

function variables({ packets }: PacketOptions): Readonly<Record<string, VariableValue>> {
  const { ports = [], address } = packets ?? {};
  const [start, end] = addressParts(address);
  return {
    cfg_packet_ports: ports.length > MAX_PORTS ? 0n : portsNumber(ports),
    cfg_packet_family: address === undefined ? 0 : familyOf(address),
    cfg_packet_address: start,
    cfg_packet_address_end: end,
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
