import { EVENT_TCP_CONNECTION_FAIL, EVENT_TCP_CONNECTION_OPEN } from '../../semconv/index.ts';
import type { ConnectionRecord, KernelRecord } from '../model/record.ts';
import { commandOf, line, socketJson, TimeColumns, titles, type Column } from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { Counts } from './counts.ts';
import { portsOption, type ViewArguments } from './options.ts';
import { PeerNames } from './peer-names.ts';
import { USER_OPTIONS, Users } from './users.ts';
import type { View, ViewRow, ViewRun, ViewTools } from './view.ts';

const COUNT_COLUMNS: readonly Column[] = [
  ['LADDR', 25],
  ['RADDR', 25],
  ['RPORT', 20],
  ['CONNECTS', 0],
];
const NAMED_COUNT_COLUMNS: readonly Column[] = [
  ...COUNT_COLUMNS.slice(0, -1),
  ['CONNECTS', 10],
  ['QUERY', 0],
];

/** Connections that processes open. */
export const tcpconnect: View = {
  name: 'tcpconnect',
  summary: 'TCP connections that processes open, failed attempts too, when the attempt is over',
  example: ['wirespan tcpconnect -c', 'connects by destination, at the end'],
  options: [
    portsOption('port', 'P', 'these ports of the other end only'),
    { long: 'timestamp', short: 't', help: 'a column with the seconds since the first line' },
    { long: 'time', short: 'T', help: 'a column with the time of day' },
    { long: 'lport', short: 'L', help: 'a column with the local port' },
    ...USER_OPTIONS,
    { long: 'dns', short: 'd', help: 'a column with the name that the address was asked for by' },
    { long: 'count', short: 'c', help: 'count by addresses and port, and print the sums at the end' },
    SHOW_CONTAINER,
  ],
  // The agent does not read what name servers answer.
  ownOption: (args) => (args.has('dns') ? 'dns' : undefined),
  needs: (args) => ({
    events: [EVENT_TCP_CONNECTION_OPEN, EVENT_TCP_CONNECTION_FAIL],
    dnsAnswers: args.has('dns'),
    probes: ['inet_sock_set_state', 'inet_stream_connect', ...(args.has('dns') ? ['dns_ingress'] : [])],
    costly: true,
  }),
  ports: (args) => ({ remote: args.ports('port') }),
  start: (args, tools) => (args.has('count') ? new ConnectCounts(args, tools) : new Connects(args, tools)),
};

/** Nobody asked for a name that has the address. */
const UNNAMED = '-';

function namesFor(args: ViewArguments, { maxRemembered }: ViewTools): PeerNames | undefined {
  return args.has('dns') ? new PeerNames(maxRemembered) : undefined;
}

/** A client's attempt that is over, and nothing else. */
export function isAttempt(record: KernelRecord): record is ConnectionRecord {
  return record.kind === 'open' || (record.kind === 'fail' && record.role !== 'server');
}

class Connects implements ViewRun {
  readonly header: string;
  readonly #columns: readonly Column[];
  readonly #hasLocalPort: boolean;
  readonly #times: TimeColumns;
  readonly #users: Users;
  readonly #names: PeerNames | undefined;
  readonly #tools: ViewTools;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#tools = tools;
    this.#names = namesFor(args, tools);
    this.#times = new TimeColumns(args, tools);
    this.#users = new Users(args);
    this.#hasLocalPort = args.has('lport');
    this.#columns = [
      ...this.#times.columns,
      ...this.#users.columns,
      ['PID', 7],
      ['COMM', 12],
      ['IP', 2],
      ['SADDR', 16],
      ...(this.#hasLocalPort ? [['LPORT', 6] as const] : []),
      ['DADDR', 16],
      ['DPORT', 5],
      ...(this.#names === undefined ? [] : [['QUERY', 0] as const]),
    ];
    this.header = titles(this.#columns);
  }

  row(record: KernelRecord): ViewRow | undefined {
    if (record.kind === 'dns_answer') this.#names?.add(record);
    if (!isAttempt(record) || !this.#users.isShown(record)) return undefined;
    const { owner, endpoints } = record;
    const name = this.#names?.of(endpoints.peerAddress);
    const texts = [
      ...this.#times.texts(record.timeNs),
      ...this.#users.texts(record),
      String(owner.pid),
      commandOf(owner),
      String(endpoints.family),
      endpoints.localAddress,
      ...(this.#hasLocalPort ? [String(endpoints.localPort)] : []),
      endpoints.peerAddress,
      String(endpoints.peerPort),
      ...(this.#names === undefined ? [] : [name ?? UNNAMED]),
    ];
    return {
      lines: [line(this.#columns, texts)],
      json: {
        ...socketJson(record, this.#tools),
        uid: record.uid ?? null,
        error: record.error ?? null,
        ...(this.#names !== undefined && { query: name ?? null }),
      },
    };
  }

  notes(): string[] {
    return [...this.#users.notes(), ...(this.#names?.notes() ?? [])];
  }
}

class ConnectCounts implements ViewRun {
  readonly header = undefined;
  readonly #names: PeerNames | undefined;
  readonly #counts: Counts<ConnectionRecord['endpoints']>;
  readonly #users: Users;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#names = namesFor(args, tools);
    this.#users = new Users(args);
    this.#counts = new Counts(tools.maxRemembered);
  }

  row(record: KernelRecord): undefined {
    if (record.kind === 'dns_answer') this.#names?.add(record);
    if (!isAttempt(record) || !this.#users.isShown(record)) return;
    const { localAddress, peerAddress, peerPort } = record.endpoints;
    this.#counts.add(`${localAddress} ${peerAddress} ${String(peerPort)}`, record.endpoints);
  }

  end(): ViewRow[] {
    const hasNames = this.#names !== undefined;
    const columns = hasNames ? NAMED_COUNT_COLUMNS : COUNT_COLUMNS;
    const rows = this.#counts.sorted().map(({ of: { localAddress, peerAddress, peerPort }, count }) => {
      const query = this.#names?.of(peerAddress);
      const texts = [localAddress, peerAddress, String(peerPort), String(count)];
      return {
        lines: [line(columns, hasNames ? [...texts, query ?? UNNAMED] : texts)],
        json: {
          local_address: localAddress,
          remote_address: peerAddress,
          remote_port: peerPort,
          connects: count,
          ...(hasNames && { query: query ?? null }),
        },
      };
    });
    return [{ lines: [titles(columns)] }, ...rows];
  }

  notes(): string[] {
    return [...this.#counts.notes(), ...this.#users.notes(), ...(this.#names?.notes() ?? [])];
  }
}
