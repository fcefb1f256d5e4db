import { EVENT_TCP_CONNECTION_CLOSE } from '../../semconv/index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { ConnectionRecord, KernelRecord } from '../model/record.ts';
import { commandOf, line, socketJson, timeOfDay, titles, type Column } from './columns.ts';
import { ContainerColumn, SHOW_CONTAINER } from './container-column.ts';
import { intervalOptions, numberCheck, portsOption, type ViewArguments } from './options.ts';
import type { Gain, View, ViewRow, ViewRun, ViewTools } from './view.ts';

const COMMAND_WIDTH = 12;
const BYTES_PER_KB = 1024;
/** As `clear` writes it. */
const CLEAR = '\x1b[H\x1b[2J\x1b[3J';

/** Payload bytes. */
interface Moved {
  readonly sent: number;
  readonly received: number;
}

/** What `--sort` goes by. */
const SORTS: Readonly<Record<string, (gained: Moved) => number>> = {
  all: ({ sent, received }) => sent + received,
  sent: ({ sent }) => sent,
  received: ({ received }) => received,
};

/** Connections by what they moved in an interval. */
export const tcptop: View = {
  name: 'tcptop',
  summary: 'what each TCP connection sent and received in an interval, most first',
  example: ['wirespan tcptop -C 5 12', 'each five seconds for a minute, one below the other'],
  options: [
    ...intervalOptions('print each so many seconds, 1 without'),
    { long: 'noclear', short: 'C', help: 'do not clear the terminal' },
    { long: 'nosummary', short: 'S', help: 'no line with the load averages' },
    {
      long: 'sort',
      short: 's',
      value: 'SORT',
      choices: Object.keys(SORTS),
      help: 'most first by this: all (without it), sent or received',
    },
    {
      long: 'rows',
      short: 'r',
      value: 'ROWS',
      check: numberCheck(1e9, 'count'),
      help: 'so many connections at most',
    },
    portsOption('localport', 'L', 'these local ports only'),
    portsOption('remoteport', 'D', 'these ports of the other end only'),
    SHOW_CONTAINER,
  ],
  words: ['interval', 'count'],
  needs: (args) => ({
    events: [EVENT_TCP_CONNECTION_CLOSE],
    sums: {
      metrics: [],
      subnets: [],
      live: true,
      intervalMs: (args.number('interval') ?? 1) * 1000,
      intervals: args.number('count'),
    },
    probes: ['inet_sock_set_state'],
  }),
  ports: (args) => ({ local: args.ports('localport'), remote: args.ports('remoteport') }),
  start: (args, tools) => new Top(args, tools),
};

interface Row {
  readonly record: ConnectionRecord;
  readonly gained: Moved;
}

class Top implements ViewRun {
  readonly header = undefined;
  readonly #args: ViewArguments;
  readonly #tools: ViewTools;
  /** All that a connection had moved when it was last told of, by cookie. */
  readonly #totals: BoundedCache<string, Moved>;
  /** In this interval, by cookie. */
  #moved: BoundedCache<string, Row>;
  readonly #containers: ContainerColumn;
  #leftOut = 0;
  /** CLOCK_MONOTONIC of the latest record, and of the latest before this interval. */
  #latestNs = 0n;
  #sinceNs = 0n;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#args = args;
    this.#tools = tools;
    this.#containers = new ContainerColumn(args, tools);
    this.#totals = new BoundedCache(tools.maxRemembered);
    this.#moved = new BoundedCache(tools.maxRemembered);
  }

  row(record: KernelRecord): undefined {
    if (record.kind !== 'live' && record.kind !== 'close') return;
    const id = record.cookie.toString();
    const total: Moved = { sent: Number(record.bytesSent), received: Number(record.bytesReceived) };
    if (record.timeNs > this.#latestNs) this.#latestNs = record.timeNs;
    // One that is met the first time has moved all of it in this interval, unless it is older, or was forgotten.
    const isKnownNew = this.#totals.evictions === 0 || record.establishedNs >= this.#sinceNs;
    const isNew = !record.preexisting && isKnownNew;
    const before = this.#totals.get(id) ?? (isNew ? { sent: 0, received: 0 } : total);
    if (record.kind === 'close') this.#totals.delete(id);
    else this.#totals.set(id, total);
    const { gained } = this.#moved.get(id) ?? { gained: { sent: 0, received: 0 } };
    const sum: Moved = {
      sent: gained.sent + total.sent - before.sent,
      received: gained.received + total.received - before.received,
    };
    if (sum.sent + sum.received > 0) this.#moved.set(id, { record, gained: sum });
  }

  interval(_: readonly Gain[], unixNs: bigint): readonly ViewRow[] {
    const by = SORTS[this.#args.text('sort') ?? 'all'] ?? sumOf;
    const moved = [...this.#moved.entries().map(([, row]) => row)]
      .sort((a, b) => by(b.gained) - by(a.gained))
      .slice(0, this.#args.number('rows'));
    this.#leftOut += this.#moved.evictions;
    this.#moved = new BoundedCache(this.#tools.maxRemembered);
    this.#sinceNs = this.#latestNs;
    const isCleared = this.#tools.isTerminal && !this.#args.has('noclear');
    const summary = this.#args.has('nosummary')
      ? []
      : [`${timeOfDay(unixNs)} loadavg: ${this.#tools.loads().map(twoDigits).join(' ')}`, ''];
    const families = ([4, 6] as const).flatMap((family) => {
      const rows = moved.filter(({ record }) => record.endpoints.family === family);
      const columns = columnsOf(family);
      return rows.length === 0
        ? []
        : [
            { lines: [...(family === 6 ? [''] : []), this.#containers.header(titles(columns))] },
            ...rows.map(({ record, gained }) => this.#rowOf(columns, record, gained)),
          ];
    });
    return [{ lines: isCleared ? [CLEAR, ...summary] : ['', ...summary] }, ...families];
  }

  #rowOf(columns: readonly Column[], record: ConnectionRecord, { sent, received }: Moved): ViewRow {
    const { localAddress, localPort, peerAddress, peerPort } = record.endpoints;
    const texts = [
      String(record.owner.pid),
      commandOf(record.owner).slice(0, COMMAND_WIDTH),
      `${localAddress}:${String(localPort)}`,
      `${peerAddress}:${String(peerPort)}`,
      ...[received, sent].map((bytes) => String(Math.floor(bytes / BYTES_PER_KB))),
    ];
    const row = {
      lines: [line(columns, texts)],
      json: { ...socketJson(record, this.#tools), bytes_received: received, bytes_sent: sent },
    };
    return this.#containers.row(row, record.owner);
  }

  notes(): string[] {
    const { evictions } = this.#totals;
    const notes: string[] = [];
    if (evictions > 0)
      notes.push(
        `${String(evictions)} times a connection was forgotten for a newer one; what it moved until it was met again is missing`,
      );
    if (this.#leftOut > 0)
      notes.push(
        `${String(this.#leftOut)} times a connection is missing in an interval, since ${String(this.#tools.maxRemembered)} had moved something after it`,
      );
    return notes;
  }
}

function columnsOf(family: 4 | 6): readonly Column[] {
  const [width, mark] = family === 4 ? [21, ''] : [32, '6'];
  return [
    ['PID', 6],
    ['COMM', COMMAND_WIDTH],
    [`LADDR${mark}`, width],
    [`RADDR${mark}`, width],
    ['RX_KB', -6],
    ['TX_KB', -6],
  ];
}

function sumOf({ sent, received }: Moved): number {
  return sent + received;
}

function twoDigits(load: number): string {
  return load.toFixed(2);
}
