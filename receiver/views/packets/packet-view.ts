import type { KernelRecord } from '../../model/record.ts';
import type { ViewArguments } from '../options.ts';
import type { View, ViewRow, ViewRun, ViewTools } from '../view.ts';
import { PACKET_OPTIONS, packetLimits, wantedPackets, type PacketLimits } from './options.ts';
import { timed, type TimedWay } from './rows.ts';
import { Ways, type Way } from '../../packets/ways.ts';

/** A packet as it is shown, and what of it took longer than the threshold. */
export interface PacketRow {
  readonly row: ViewRow;
  /** Names; none: nothing. */
  readonly slow: readonly string[];
}

/** How a view shows packets. */
export interface PacketFormat extends Pick<View, 'name' | 'summary' | 'example'> {
  readonly header: string;
  /** Ways go on until the application read them. */
  readonly reads: boolean;
  /** Undefined: it is not shown. */
  row(timed: TimedWay, thresholdMs: number): PacketRow | undefined;
}

const PROBES = [
  'packet_net_dev_queue',
  'packet_net_dev_start_xmit',
  'packet_netif_rx',
  'packet_netif_receive_skb',
  'packet_tcp_probe',
  'packet_consume_skb',
  'packet_kfree_skb',
];
const READS = ['sk_data_ready', 'tcp_rcv_space_adjust'];

/** A view of what these programs see. */
export function packetView(format: PacketFormat): View {
  const { name, summary, example, reads } = format;
  return {
    ...{ name, summary, example },
    options: PACKET_OPTIONS,
    loadsAlways: true,
    isOfNobody: true,
    needs: (args) => ({
      events: [],
      packets: wantedPackets(args, reads),
      withoutSockets: true,
      probes: reads ? [...PROBES, ...READS] : PROBES,
    }),
    start: (args, tools) => new PacketRun(format, args, tools),
  };
}

/** A view of packets at work: a row for each whose way is over. */
class PacketRun implements ViewRun {
  readonly header: string;
  readonly #format: PacketFormat;
  readonly #limits: PacketLimits;
  readonly #tools: ViewTools;
  readonly #ways: Ways;
  #seen = 0;
  #shown = 0;
  /** How often each was slow. */
  readonly #slow = new Map<string, number>();
  #slowPackets = 0;

  constructor(format: PacketFormat, args: ViewArguments, tools: ViewTools) {
    this.header = format.header;
    this.#format = format;
    this.#limits = packetLimits(args);
    this.#tools = tools;
    this.#ways = new Ways(tools.maxRemembered, format.reads);
  }

  get isOver(): boolean {
    const { count } = this.#limits;
    return count !== undefined && this.#shown >= count;
  }

  row(record: KernelRecord): undefined {
    if (record.kind === 'packet') this.#ways.add(record);
  }

  look(nowNs: bigint): ViewRow[] {
    return this.#rows(this.#ways.take(nowNs));
  }

  end(): ViewRow[] {
    return this.isOver ? [] : this.#rows(this.#ways.rest());
  }

  #rows(ways: readonly Way[]): ViewRow[] {
    const { thresholdMs, isSlowAlone, isShown } = this.#limits;
    const rows: ViewRow[] = [];
    for (const way of ways) {
      if (this.isOver) break;
      if (!isShown(way)) continue;
      const shown = this.#format.row(timed(way, this.#tools), thresholdMs);
      if (shown === undefined) continue;
      this.#count(shown.slow);
      if (isSlowAlone && shown.slow.length === 0) continue;
      this.#shown += 1;
      rows.push(shown.row);
    }
    return rows;
  }

  #count(slow: readonly string[]): void {
    this.#seen += 1;
    if (slow.length > 0) this.#slowPackets += 1;
    for (const name of slow) this.#slow.set(name, (this.#slow.get(name) ?? 0) + 1);
  }

  notes(): string[] {
    const { shortened } = this.#ways;
    const names = [...this.#slow].map(([name, count]) => `${name} ${String(count)}`).join(', ');
    return [
      ...(this.#slowPackets === 0
        ? []
        : [`${String(this.#slowPackets)} of ${String(this.#seen)} packets were slow: ${names}`]),
      ...(shortened === 0
        ? []
        : [
            `${String(shortened)} packets are shown without the end of their way, since newer ones took their room`,
          ]),
    ];
  }
}
