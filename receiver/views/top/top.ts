import {
  ATTR_NETWORK_LOCAL_ADDRESS,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_RETRANSMIT,
  EVENT_TCP_STATE_CHANGE,
} from '../../../semconv/index.ts';
import type { ListenerFigures } from '../../model/listener-figures.ts';
import type { KernelRecord } from '../../model/record.ts';
import type { Owner } from '../../model/resource.ts';
import type { SampleHistogram } from '../../model/samples.ts';
import { timeOfDay } from '../columns.ts';
import {
  countOption,
  delayOption,
  LOCAL_PORT,
  portsOf,
  REMOTE_PORT,
  TRACE,
  type ViewArguments,
} from '../options.ts';
import type { Gain, View, ViewRow, ViewRun, ViewTools } from '../view.ts';
import { TopApp } from './app.ts';
import { List } from './list.ts';
import { Listeners } from './listeners.ts';
import { connectionMode, containerIdOf, containerMode, listenerMode, processMode } from './modes.ts';
import type { Screen } from './screen.ts';
import { TopTable } from './table.ts';

const DELAY = delayOption('look each so many seconds, 1 without');
const COUNT = countOption('end after so many looks');

/** Words that were said on the screen, and are said again at the end. */
const MAX_SAID = 20;

/** Connections and who has them, on the whole terminal. */
export const top: View = {
  name: 'top',
  summary:
    'connections, processes, containers and listeners on the whole terminal, to be sorted and searched',
  example: ['wirespan top -D 5432', 'who is talking to a database; h shows the keys'],
  options: [DELAY, COUNT, LOCAL_PORT, REMOTE_PORT, TRACE],
  isScreen: true,
  ownOption: (args) => (args.has(TRACE.long) ? TRACE.long : undefined),
  needs: (args) => ({
    events: [
      EVENT_TCP_STATE_CHANGE,
      EVENT_TCP_CONNECTION_FAIL,
      EVENT_TCP_CONNECTION_CLOSE,
      EVENT_TCP_RETRANSMIT,
    ],
    traces: args.has(TRACE.long),
    exchanges: args.has(TRACE.long),
    // Listeners are rows by their addresses.
    attributes: [ATTR_NETWORK_LOCAL_ADDRESS],
    sums: {
      metrics: [],
      subnets: [],
      live: true,
      listeners: true,
      intervalMs: secondsOf(args) * 1000,
      intervals: args.number(COUNT.long),
    },
    cgroups: true,
    probes: ['inet_sock_set_state', 'tcp_retransmit_skb'],
  }),
  ports: portsOf,
  start: (args, tools) => new TopRun(args, tools),
};

function secondsOf(args: ViewArguments): number {
  return args.number(DELAY.long) ?? 1;
}

/** The screen at work: records change what is known, keys and intervals what is seen. */
class TopRun implements ViewRun {
  readonly header = undefined;
  readonly #table: TopTable;
  readonly #listeners = new Listeners();
  readonly #app: TopApp;
  readonly #screen: Screen;
  readonly #tools: ViewTools;
  readonly #seconds: number;
  #sinceNs: bigint | undefined;
  /** Unix nanoseconds; undefined: nothing is shown yet. */
  #timeNs: bigint | undefined;
  #isDrawn = false;
  #said: readonly string[] = [];

  constructor(args: ViewArguments, tools: ViewTools) {
    const { screen } = tools;
    if (screen === undefined) throw new Error('wirespan top was started without a screen');
    this.#screen = screen;
    this.#tools = tools;
    this.#seconds = secondsOf(args);
    const details = {
      toUnixNs: (ns: bigint) => tools.toUnixNs(ns),
      cgroupOf: (owner: Owner) => tools.cgroupOf?.(owner),
    };
    this.#table = new TopTable({
      maxRemembered: tools.maxRemembered,
      containerIdOf: (owner) => containerIdOf(owner, details),
      toUnixNs: (ns) => tools.toUnixNs(ns),
    });
    this.#app = new TopApp({
      lists: [
        new List(connectionMode(this.#table, details), 'SENT/S'),
        new List(processMode(this.#table, details), 'SENT/S'),
        new List(containerMode(this.#table, details), 'SENT/S'),
        new List(listenerMode(this.#listeners, details), 'QUEUE'),
      ],
      context: () => ({ interval: this.#table.interval, isUnicode: screen.isUnicode }),
      totals: () => this.#table.totals(),
      time: () => (this.#timeNs === undefined ? '' : `${timeOfDay(this.#timeNs)}  `),
    });
  }

  begin(): void {
    this.#screen.open({
      onKey: (key) => {
        this.#app.key(key);
        if (!this.isOver) this.#draw();
      },
      onRedraw: () => this.#draw(),
    });
    this.#draw();
  }

  get isOver(): boolean {
    return this.#app.isOver;
  }

  row(record: KernelRecord): undefined {
    this.#table.take(record);
    if (this.#isDrawn || record.kind === 'owner') return;
    this.#timeNs = this.#tools.toUnixNs(record.timeNs);
    // What was there at the beginning is shown when all of it was told, not after an interval.
    this.#isDrawn = true;
    setImmediate(() => {
      if (this.isOver) return;
      this.#app.refresh();
      this.#draw();
    });
  }

  interval(
    _gains: readonly Gain[],
    unixNs: bigint,
    _histograms: readonly SampleHistogram[],
    listeners: readonly ListenerFigures[] = [],
  ): readonly ViewRow[] {
    this.#listeners.update(listeners);
    const elapsed = Number(unixNs - (this.#sinceNs ?? unixNs)) / 1e9;
    this.#sinceNs = unixNs;
    this.#table.end(elapsed > 0 ? elapsed : this.#seconds, unixNs);
    if (this.#app.isPaused) return [];
    this.#timeNs = unixNs;
    this.#app.refresh();
    this.#draw();
    return [];
  }

  #draw(): void {
    this.#screen.draw(this.#app.frame(this.#screen.size));
  }

  readonly say = (words: string): void => {
    this.#said = [...this.#said.slice(1 - MAX_SAID), words];
    this.#app.say(words);
    if (this.#isDrawn) this.#draw();
  };

  close(): void {
    this.#screen.close();
  }

  /** What was said on the screen is gone with it. */
  notes(): string[] {
    return [...this.#said, ...this.#table.notes()];
  }
}
