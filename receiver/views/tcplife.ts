import { EVENT_TCP_CONNECTION_CLOSE, EVENT_TCP_CONNECTION_FAIL } from '../../semconv/index.ts';
import type { ConnectionRecord, KernelRecord } from '../model/record.ts';
import {
  commandOf,
  csvLine,
  line,
  millisecondsBetween,
  socketJson,
  TimeColumns,
  titles,
  type Column,
} from './columns.ts';
import { LOCAL_PORT, portsOf, REMOTE_PORT, TIMES, type ViewArguments } from './options.ts';
import type { View, ViewRow, ViewRun, ViewTools } from './view.ts';

const NARROW: readonly Column[] = [
  ['PID', 7],
  ['COMM', 10],
  ['LADDR', 15],
  ['LPORT', 5],
  ['RADDR', 15],
  ['RPORT', 5],
  ['TX_KB', -5],
  ['RX_KB', -5],
  ['MS', 0],
];
const WIDE: readonly Column[] = [
  ['PID', 7],
  ['COMM', 16],
  ['IP', 2],
  ['LADDR', 39],
  ['LPORT', 5],
  ['RADDR', 39],
  ['RPORT', 5],
  ['TX_KB', -6],
  ['RX_KB', -6],
  ['MS', 0],
];
const BYTES_PER_KB = 1024n;

/** Connections that were open, with what they moved and how long they lived. */
export const tcplife: View = {
  name: 'tcplife',
  summary: 'TCP connections and failed attempts at their end: who, with whom, bytes each way, lifetime',
  example: ['wirespan tcplife -L 22', 'sessions of the SSH server'],
  options: [
    LOCAL_PORT,
    REMOTE_PORT,
    ...TIMES,
    { long: 'wide', short: 'w', help: 'columns that hold IPv6 addresses, and the IP version' },
    { long: 'csv', short: 's', help: 'values with commas between them' },
  ],
  needs: () => ({
    events: [EVENT_TCP_CONNECTION_CLOSE, EVENT_TCP_CONNECTION_FAIL],
    probes: ['inet_sock_set_state'],
  }),
  ports: portsOf,
  start: (args, tools) => new Life(args, tools),
};

class Life implements ViewRun {
  readonly header: string;
  readonly #columns: readonly Column[];
  readonly #isCsv: boolean;
  readonly #isWide: boolean;
  readonly #times: TimeColumns;
  readonly #tools: ViewTools;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#tools = tools;
    this.#times = new TimeColumns(args, tools);
    this.#isCsv = args.has('csv');
    this.#isWide = args.has('wide') || this.#isCsv;
    this.#columns = [...this.#times.columns, ...(this.#isWide ? WIDE : NARROW)];
    const names = this.#columns.map(([title]) => title);
    this.header = this.#isCsv ? names.join(',') : titles(this.#columns);
  }

  row(record: KernelRecord): ViewRow | undefined {
    if (record.kind !== 'close' && record.kind !== 'fail') return undefined;
    const { endpoints, owner } = record;
    const ms = lifetimeOf(record);
    const texts = [
      ...this.#times.texts(record.timeNs),
      String(owner.pid),
      commandOf(owner),
      ...(this.#isWide ? [String(endpoints.family)] : []),
      endpoints.localAddress,
      String(endpoints.localPort),
      endpoints.peerAddress,
      String(endpoints.peerPort),
      String(record.bytesSent / BYTES_PER_KB),
      String(record.bytesReceived / BYTES_PER_KB),
      ms?.toFixed(2) ?? '-',
    ];
    return {
      lines: [this.#isCsv ? csvLine(texts) : line(this.#columns, texts)],
      json: {
        ...socketJson(record, this.#tools),
        role: record.role ?? null,
        lifetime_ms: ms ?? null,
        ...movedJson(record),
        close_reason: record.closeReason ?? null,
        error: record.error ?? null,
      },
    };
  }
}

/** Milliseconds since the first SYN of a client, and since the handshake's end of a server; undefined: not known. */
function lifetimeOf({ role, handshakeStartNs, establishedNs, timeNs }: ConnectionRecord): number | undefined {
  const birthNs = role === 'server' || handshakeStartNs === 0n ? establishedNs : handshakeStartNs;
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
