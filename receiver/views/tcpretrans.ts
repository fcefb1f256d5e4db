import {
  EVENT_TCP_RETRANSMIT,
  TCP_RETRANSMIT_TYPE_VALUE_TAIL_LOSS_PROBE as TAIL_LOSS_PROBE,
} from '../../semconv/index.ts';
import type { KernelRecord, RetransmitRecord } from '../model/record.ts';
import {
  commandOf,
  line,
  socketJson,
  stateName,
  timeOfDay,
  titles,
  traceJson,
  traceTexts,
  type Column,
} from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { Counts } from './counts.ts';
import { LOCAL_PORT, portsOf, REMOTE_PORT, TRACE, type ViewArguments } from './options.ts';
import type { View, ViewRow, ViewRun, ViewTools } from './view.ts';

const COUNT_COLUMNS: readonly Column[] = [
  ['LADDR:LPORT', 22],
  ['', 3],
  ['RADDR:RPORT', 22],
  ['RETRANSMITS', 0],
];

/** Segments sent again. */
export const tcpretrans: View = {
  name: 'tcpretrans',
  summary: 'TCP segments that are sent again, by the process that has the connection',
  example: ['wirespan tcpretrans --trace', 'which requests lost something'],
  options: [
    { long: 'sequence', short: 's', help: 'a column with the sequence number of the first byte' },
    { long: 'lossprobe', short: 'l', help: 'mark tail loss probes with L> instead of R>' },
    { long: 'count', short: 'c', help: 'count by addresses and ports, and print the sums at the end' },
    LOCAL_PORT,
    REMOTE_PORT,
    TRACE,
    SHOW_CONTAINER,
  ],
  needs: (args) => ({
    events: [EVENT_TCP_RETRANSMIT],
    traces: args.has(TRACE.long),
    probes: ['tcp_retransmit_skb', 'tcp_retransmit_synack'],
  }),
  ports: portsOf,
  start: (args, tools) => (args.has('count') ? new RetransmitCounts(tools) : new Retransmits(args, tools)),
};

class Retransmits implements ViewRun {
  readonly header: string;
  readonly #columns: readonly Column[];
  readonly #hasSequence: boolean;
  readonly #marksProbes: boolean;
  readonly #hasTrace: boolean;
  readonly #tools: ViewTools;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#tools = tools;
    this.#hasSequence = args.has('sequence');
    this.#marksProbes = args.has('lossprobe');
    this.#hasTrace = args.has(TRACE.long);
    this.#columns = [
      ['TIME', 8],
      ['PID', 7],
      ['COMM', 12],
      ['IP', 2],
      ['LADDR:LPORT', 22],
      ['T>', 2],
      ['RADDR:RPORT', 22],
      ['STATE', 12],
      ...(this.#hasSequence ? [['SEQ', 10] as const] : []),
      ...(this.#hasTrace ? [['TRACE', 32] as const] : []),
    ];
    this.header = titles(this.#columns);
  }

  row(record: KernelRecord): ViewRow | undefined {
    if (record.kind !== 'retransmit') return undefined;
    const isProbe = record.type === TAIL_LOSS_PROBE;
    const texts = [
      timeOfDay(this.#tools.toUnixNs(record.timeNs)),
      String(record.owner.pid),
      commandOf(record.owner),
      String(record.endpoints.family),
      localOf(record),
      this.#marksProbes && isProbe ? 'L>' : 'R>',
      remoteOf(record),
      stateName(record.state),
      ...(this.#hasSequence ? [String(record.seq)] : []),
      ...traceTexts(this.#hasTrace, record.context),
    ];
    return {
      lines: [line(this.#columns, texts)],
      json: {
        ...socketJson(record, this.#tools),
        type: record.type,
        state: record.state,
        sequence: record.seq,
        end_sequence: record.endSeq,
        segments: record.segments,
        ...traceJson(this.#hasTrace, record.context),
      },
    };
  }
}

function localOf({ endpoints: { localAddress, localPort } }: RetransmitRecord): string {
  return `${localAddress}:${String(localPort)}`;
}

function remoteOf({ endpoints: { peerAddress, peerPort } }: RetransmitRecord): string {
  return `${peerAddress}:${String(peerPort)}`;
}

class RetransmitCounts implements ViewRun {
  readonly header = undefined;
  readonly #counts: Counts<RetransmitRecord>;

  constructor({ maxRemembered }: ViewTools) {
    this.#counts = new Counts(maxRemembered);
  }

  row(record: KernelRecord): undefined {
    if (record.kind !== 'retransmit') return;
    this.#counts.add(`${localOf(record)} ${remoteOf(record)}`, record);
  }

  end(): ViewRow[] {
    const rows = this.#counts.sorted().map(({ of, count }) => ({
      lines: [line(COUNT_COLUMNS, [localOf(of), '<->', remoteOf(of), String(count)])],
      json: {
        local_address: of.endpoints.localAddress,
        local_port: of.endpoints.localPort,
        remote_address: of.endpoints.peerAddress,
        remote_port: of.endpoints.peerPort,
        retransmits: count,
      },
    }));
    return [{ lines: [titles(COUNT_COLUMNS)] }, ...rows];
  }

  notes(): string[] {
    return this.#counts.notes();
  }
}
