import { EVENT_TCP_STATE_CHANGE } from '../../semconv/index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { KernelRecord } from '../model/record.ts';
import {
  commandOf,
  csvLine,
  line,
  millisecondsBetween,
  socketJson,
  stateName,
  TimeColumns,
  titles,
  type Column,
} from './columns.ts';
import { LOCAL_PORT, portsOf, REMOTE_PORT, TIMES, type ViewArguments } from './options.ts';
import type { View, ViewRow, ViewRun, ViewTools } from './view.ts';

/** Sockets whose last change is remembered; the one that changed longest ago makes room, and its next time is not known. */
const MAX_SOCKETS = 65_536;

/** State changes. */
export const tcpstates: View = {
  name: 'tcpstates',
  summary: 'TCP state changes, and how long the socket was in the state before',
  example: ['wirespan tcpstates -D 5432', 'what becomes of connections to a database'],
  options: [
    LOCAL_PORT,
    REMOTE_PORT,
    ...TIMES,
    { long: 'wide', short: 'w', help: 'columns that hold IPv6 addresses, and the IP version' },
    { long: 'csv', short: 's', help: 'values with commas between them' },
  ],
  needs: () => ({ events: [EVENT_TCP_STATE_CHANGE], probes: ['inet_sock_set_state'] }),
  ports: portsOf,
  start: (args, tools) => new States(args, tools),
};

class States implements ViewRun {
  readonly header: string;
  readonly #columns: readonly Column[];
  readonly #isCsv: boolean;
  readonly #isWide: boolean;
  readonly #times: TimeColumns;
  readonly #tools: ViewTools;
  readonly #since = new BoundedCache<bigint, bigint>(MAX_SOCKETS);

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#tools = tools;
    this.#times = new TimeColumns(args, tools);
    this.#isCsv = args.has('csv');
    this.#isWide = args.has('wide') || this.#isCsv;
    const addresses = this.#isWide ? 39 : 15;
    this.#columns = [
      ...this.#times.columns,
      ['SOCKET', 10],
      ['PID', 7],
      ['COMM', 10],
      ...(this.#isWide ? [['IP', 2] as const] : []),
      ['LADDR', addresses],
      ['LPORT', 5],
      ['RADDR', addresses],
      ['RPORT', 5],
      ['OLDSTATE', 11],
      ...(this.#isCsv ? [] : [['->', 2] as const]),
      ['NEWSTATE', 11],
      ['MS', 0],
    ];
    const names = this.#columns.map(([title]) => title);
    this.header = this.#isCsv ? csvLine(names) : titles(this.#columns);
  }

  row(record: KernelRecord): ViewRow | undefined {
    if (record.kind !== 'state') return undefined;
    const { owner, endpoints, cookie } = record;
    const ms = this.#timeInState(record);
    const texts = [
      ...this.#times.texts(record.timeNs),
      cookie.toString(16),
      String(owner.pid),
      commandOf(owner),
      ...(this.#isWide ? [String(endpoints.family)] : []),
      endpoints.localAddress,
      String(endpoints.localPort),
      endpoints.peerAddress,
      String(endpoints.peerPort),
      stateName(record.previous),
      ...(this.#isCsv ? [] : ['->']),
      stateName(record.state),
      ms?.toFixed(3) ?? '-',
    ];
    return {
      lines: [this.#isCsv ? csvLine(texts) : line(this.#columns, texts)],
      json: {
        ...socketJson(record, this.#tools),
        old_state: record.previous,
        new_state: record.state,
        ms: ms ?? null,
      },
    };
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
