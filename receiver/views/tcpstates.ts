import { EVENT_TCP_STATE_CHANGE } from '../../semconv/index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { KernelRecord } from '../model/record.ts';
import { commandOf, millisecondsBetween, socketJson, stateName, type Column } from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { CSV, LOCAL_PORT, portsOf, REMOTE_PORT, TIMES, WIDE, type ViewArguments } from './options.ts';
import { SocketTable, type TableStyle } from './socket-table.ts';
import type { View, ViewRow, ViewRun, ViewTools } from './view.ts';

/** State changes. */
export const tcpstates: View = {
  name: 'tcpstates',
  summary: 'TCP state changes, and how long the socket was in the state before',
  example: ['wirespan tcpstates -D 5432', 'what becomes of connections to a database'],
  options: [LOCAL_PORT, REMOTE_PORT, ...TIMES, WIDE, CSV, SHOW_CONTAINER],
  needs: () => ({ events: [EVENT_TCP_STATE_CHANGE], probes: ['inet_sock_set_state'] }),
  ports: portsOf,
  start: (args, tools) => new States(args, tools),
};

const columnsOf = ({ isWide, isCsv }: TableStyle): readonly Column[] => [
  ['SOCKET', 10],
  ['PID', 7],
  ['COMM', 10],
  ...(isWide ? [['IP', 2] as const] : []),
  ['LADDR', isWide ? 39 : 15],
  ['LPORT', 5],
  ['RADDR', isWide ? 39 : 15],
  ['RPORT', 5],
  ['OLDSTATE', 11],
  ...(isCsv ? [] : [['->', 2] as const]),
  ['NEWSTATE', 11],
  ['MS', 0],
];

class States implements ViewRun {
  readonly header: string;
  readonly #table: SocketTable;
  readonly #tools: ViewTools;
  readonly #since: BoundedCache<bigint, bigint>;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#tools = tools;
    this.#table = new SocketTable(args, tools, columnsOf);
    this.header = this.#table.header;
    this.#since = new BoundedCache(tools.maxRemembered);
  }

  row(record: KernelRecord): ViewRow | undefined {
    if (record.kind !== 'state') return undefined;
    const { owner, endpoints, cookie } = record;
    const ms = this.#timeInState(record);
    const texts = [
      ...[cookie.toString(16), String(owner.pid), commandOf(owner)],
      ...(this.#table.isWide ? [String(endpoints.family)] : []),
      ...[endpoints.localAddress, String(endpoints.localPort)],
      ...[endpoints.peerAddress, String(endpoints.peerPort)],
      ...[stateName(record.previous), ...(this.#table.isCsv ? [] : ['->']), stateName(record.state)],
      ms?.toFixed(3) ?? '-',
    ];
    return {
      lines: [this.#table.line(record.timeNs, texts)],
      json: {
        ...socketJson(record, this.#tools),
        old_state: record.previous,
        new_state: record.state,
        ms: ms ?? null,
      },
    };
  }

  notes(): string[] {
    const { evictions } = this.#since;
    return evictions === 0
      ? []
      : [`${String(evictions)} sockets made room for newer ones: how long their state lasted is not known`];
  }

  /** A socket that begins was in no state before: 0. Undefined: it is older than the view. */
  #timeInState({ cookie, timeNs, previous, state }: StateChange): number | undefined {
    const sinceNs = this.#since.get(cookie);
    if (state === 'closed') this.#since.delete(cookie);
    else this.#since.set(cookie, timeNs);
    if (sinceNs !== undefined) return millisecondsBetween(sinceNs, timeNs);
    return previous === 'closed' ? 0 : undefined;
  }
}

type StateChange = Extract<KernelRecord, { readonly kind: 'state' }>;
