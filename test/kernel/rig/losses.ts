import type { DropStage } from '../../support/drop-stage.ts';

/** Statistics of the kernel that say that something was lost on its way into TCP. */
const LOSSES = [
  'TcpExtListenDrops',
  'TcpExtTCPBacklogDrop',
  'TcpExtTCPRcvQDrop',
  'TcpExtTCPOFODrop',
  'TcpExtTCPZeroWindowDrop',
  'TcpExtPruneCalled',
];

/** Reasons for which data is freed that came twice, on this kernel and on older ones. */
export const TWICE: readonly string[] = ['tcp_old_data', 'tcp_old_sequence', 'tcp_invalid_sequence'];

/** What the kernel and the agent had counted at a moment. */
export class LossMark {
  readonly #stage: DropStage;
  readonly #events: number;
  readonly #retransmits: number;
  readonly #losses: readonly number[];

  constructor(stage: DropStage) {
    this.#stage = stage;
    this.#events = stage.records().length;
    this.#retransmits = stage.room.counter('TcpRetransSegs');
    this.#losses = this.#read();
  }

  /** What the kernel says was lost since, by its statistics. */
  get losses(): number[] {
    return this.#read().map((count, index) => count - (this.#losses[index] ?? 0));
  }

  /**
   * Events since, by reason. Without data that came twice, when the kernel sent that often again: the timers of a
   * machine that is slow do not wait for it.
   */
  get drops(): Record<string, number> {
    const found: Record<string, number> = {};
    for (const { reason } of this.#stage.records().slice(this.#events)) {
      const name = this.#stage.reasonName(reason);
      found[name] = (found[name] ?? 0) + 1;
    }
    const again = this.#stage.room.counter('TcpRetransSegs') - this.#retransmits;
    const twice = TWICE.reduce((sum, name) => sum + (found[name] ?? 0), 0);
    const isExplained = ([name]: [string, number]): boolean => twice <= again && TWICE.includes(name);
    return Object.fromEntries(Object.entries(found).filter((entry) => !isExplained(entry)));
  }

  /** A SYN-ACK that comes again is an error to the kernel, too, and nothing was lost with it. */
  #read(): number[] {
    const counter = this.#stage.room.counters();
    return [counter('TcpInErrs') - counter('TcpExtTCPSYNChallenge'), ...LOSSES.map((name) => counter(name))];
  }
}
