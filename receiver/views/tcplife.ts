import { EVENT_TCP_CONNECTION_CLOSE, EVENT_TCP_CONNECTION_FAIL } from '../../semconv/index.ts';
import type { ConnectionRecord, KernelRecord } from '../model/record.ts';
import { commandOf, millisecondsBetween, socketJson, type Column } from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { CSV, LOCAL_PORT, portsOf, REMOTE_PORT, TIMES, WIDE } from './options.ts';
import { SocketTable, type TableStyle } from './socket-table.ts';
import type { View, ViewRow, ViewTools } from './view.ts';

const columnsOf = ({ isWide }: TableStyle): readonly Column[] => [
  ['PID', 7],
  ['COMM', isWide ? 16 : 10],
  ...(isWide ? [['IP', 2] as const] : []),
  ['LADDR', isWide ? 39 : 15],
  ['LPORT', 5],
  ['RADDR', isWide ? 39 : 15],
  ['RPORT', 5],
  ['TX_KB', isWide ? -6 : -5],
  ['RX_KB', isWide ? -6 : -5],
  ['MS', 0],
];
const BYTES_PER_KB = 1024n;

/** Connections that were open, with what they moved and how long they lived. */
export const tcplife: View = {
  name: 'tcplife',
  summary: 'TCP connections and failed attempts at their end: who, with whom, bytes each way, lifetime',
  example: ['wirespan tcplife -L 22', 'sessions of the SSH server'],
  options: [LOCAL_PORT, REMOTE_PORT, ...TIMES, WIDE, CSV, SHOW_CONTAINER],
  needs: () => ({
    events: [EVENT_TCP_CONNECTION_CLOSE, EVENT_TCP_CONNECTION_FAIL],
    probes: ['inet_sock_set_state'],
  }),
  ports: portsOf,
  start: (args, tools) => {
    const table = new SocketTable(args, tools, columnsOf);
    return { header: table.header, row: (record) => rowOf(record, table, tools) };
  },
};

function rowOf(record: KernelRecord, table: SocketTable, tools: ViewTools): ViewRow | undefined {
  if (record.kind !== 'close' && record.kind !== 'fail') return undefined;
  const { endpoints, owner } = record;
  const ms = lifetimeOf(record);
  const texts = [
    ...[String(owner.pid), commandOf(owner)],
    ...(table.isWide ? [String(endpoints.family)] : []),
    ...[endpoints.localAddress, String(endpoints.localPort)],
    ...[endpoints.peerAddress, String(endpoints.peerPort)],
    String(record.bytesSent / BYTES_PER_KB),
    String(record.bytesReceived / BYTES_PER_KB),
    ms?.toFixed(2) ?? '-',
  ];
  return {
    lines: [table.line(record.timeNs, texts)],
    json: {
      ...socketJson(record, tools),
      role: record.role ?? null,
      lifetime_ms: ms ?? null,
      ...movedJson(record),
      close_reason: record.closeReason ?? null,
      error: record.error ?? null,
    },
  };
}

/** Milliseconds since the handshake's end, as in BCC's; of a failed attempt since its first SYN; undefined: not known. */
function lifetimeOf({ handshakeStartNs, establishedNs, timeNs }: ConnectionRecord): number | undefined {
  const birthNs = establishedNs === 0n ? handshakeStartNs : establishedNs;
  return birthNs === 0n ? undefined : millisecondsBetween(birthNs, timeNs);
}

function movedJson(record: ConnectionRecord): Readonly<Record<string, unknown>> {
  return {
    bytes_sent: Number(record.bytesSent),
    bytes_received: Number(record.bytesReceived),
    segments_sent: record.segmentsSent,
    segments_received: record.segmentsReceived,
    segments_retransmitted: record.segmentsRetransmitted,
    rtt_smoothed_us: record.rttSmoothedUs,
    rtt_min_us: record.rttMinUs,
  };
}
