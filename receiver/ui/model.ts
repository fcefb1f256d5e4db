import type { ListenerFigures } from '../model/listener-figures.ts';
import type { KernelRecord } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import { containerIdOf } from '../views/top/modes.ts';
import { Listeners } from '../views/top/listeners.ts';
import { TopTable } from '../views/top/table.ts';
import type { ViewTools } from '../views/view.ts';
import { HurtRequests } from './requests.ts';
import { endedShown, type UiSource } from './source.ts';
import { Timelines } from './timelines.ts';

/** Words that are remembered of what was missed. */
const MAX_SAID = 20;

/** What the pages show. */
export class UiModel {
  readonly source: UiSource;
  readonly requests = new HurtRequests();
  readonly listeners = new Listeners();
  readonly table: TopTable;
  readonly timelines: Timelines;
  /** Unix nanoseconds of the last interval; undefined: there was none. */
  timeNs: bigint | undefined;
  /** All of a recording was read. */
  isOver = false;
  records = 0;
  readonly #tools: ViewTools;
  #sinceNs: bigint | undefined;
  #said: readonly string[] = [];

  constructor(source: UiSource, tools: ViewTools) {
    this.source = source;
    this.#tools = tools;
    this.timelines = new Timelines(source.kind === 'recording');
    const details = {
      toUnixNs: (ns: bigint) => tools.toUnixNs(ns),
      cgroupOf: (owner: Owner) => tools.cgroupOf?.(owner),
    };
    this.table = new TopTable({
      maxRemembered: tools.maxRemembered,
      containerIdOf: (owner) => containerIdOf(owner, details),
      toUnixNs: details.toUnixNs,
      ended: endedShown(source),
    });
  }

  take(record: KernelRecord): void {
    if (record.kind !== 'owner') this.records += 1;
    this.table.take(record);
    this.requests.take(record);
  }

  /** An interval is over; `unixNs`: Unix nanoseconds. Undefined listeners: nobody looked at them. */
  end(unixNs: bigint, listeners?: readonly ListenerFigures[]): void {
    if (listeners !== undefined) this.listeners.update(listeners);
    const elapsed = Number(unixNs - (this.#sinceNs ?? unixNs)) / 1e9;
    const seconds = elapsed > 0 ? elapsed : 1;
    this.#sinceNs = unixNs;
    this.timeNs = unixNs;
    this.table.end(seconds, unixNs);
    this.timelines.end(this.table, Number(unixNs / 1_000_000n), seconds);
  }

  unixMs(monotonicNs: bigint): number {
    return Number(this.#tools.toUnixNs(monotonicNs) / 1_000_000n);
  }

  /** Something that is to be known of what is shown. */
  say(words: string): void {
    if (!this.#said.includes(words)) this.#said = [...this.#said.slice(1 - MAX_SAID), words];
  }

  /** What was said, and what bounds left out. */
  notes(): readonly string[] {
    const { forgotten } = this.requests;
    const room = `${String(forgotten)} requests that were hurt made room for others`;
    const more = [...this.table.notes(), ...this.timelines.notes()];
    return [...this.#said, ...more, ...(forgotten > 0 ? [room] : [])];
  }
}
