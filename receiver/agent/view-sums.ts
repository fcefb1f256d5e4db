import type { Attributes } from '@opentelemetry/api';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { OwnerTable } from '../decode/owners.ts';
import { readListenCounters } from '../host/listen-counters.ts';
import type { MetricSink } from '../model/metric-sink.ts';
import type { ListenerFigures } from '../model/listener-figures.ts';
import { rowsOf } from '../model/map-image.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';
import type { SampleHistogram } from '../model/samples.ts';
import { listenerFigures } from '../signals/listener/figures.ts';
import { SampleGains } from '../signals/sample/gains.ts';
import type { Kernel } from '../source/kernel.ts';
import type { Gain, ViewSumsNeeds } from '../views/view.ts';
import { SignalSums } from './signal-sums.ts';

/** Nobody is told apart: views show sums of the host. */
const HOST: ObservedResource = { id: 'host', kind: 'host', attributes: {} };

/** What one interval gained. */
export interface IntervalSums {
  readonly gains: readonly Gain[];
  readonly histograms: readonly SampleHistogram[];
  readonly listeners: readonly ListenerFigures[];
}

/** What the kernel's sums gained, for a view that prints it at intervals. */
export class ViewSums {
  readonly #source: Kernel;
  readonly #owners: OwnerTable;
  readonly #sums: SignalSums;
  readonly #now: () => bigint;
  readonly #needs: ViewSumsNeeds;
  /** Absent: no histograms are asked for. */
  readonly #samples: SampleGains | undefined;
  /** Rows of the last reading, by map. */
  readonly #seen = new Map<string, ReadonlySet<string>>();
  #gains = new Map<string, Gain & { value: number }>();
  /** As the last recorded reading met them. */
  #listeners: readonly ListenerFigures[] = [];

  /** `now`: CLOCK_MONOTONIC. */
  constructor(
    source: Kernel,
    owners: OwnerTable,
    { needs, attributes, now }: { needs: ViewSumsNeeds; attributes: readonly string[]; now: () => bigint },
  ) {
    this.#source = source;
    this.#owners = owners;
    this.#now = now;
    this.#needs = needs;
    this.#samples = needs.samples && new SampleGains(needs.samples);
    const wanted = new Set(needs.metrics.map(({ name }) => name));
    this.#sums = new SignalSums({
      context: {
        sink: this.#sink(wanted),
        isOn: ({ name }) => wanted.has(name),
        optIn: new Set(attributes),
        mask: (address) => address,
        subnets: needs.subnets,
        ownerAt: (view, offset) => owners.find(view, offset),
        resolve: () => HOST,
        host: () => HOST,
      },
      kernel: source,
      host: { listenCounters: readListenCounters, isLocal: () => false, forgetAddresses: () => undefined },
      maxWays: 0,
      overflow: () => undefined,
      now,
    });
  }

  #sink(wanted: ReadonlySet<string>): MetricSink {
    return {
      add: (metric, _resource, attributes, delta) => {
        if (wanted.has(metric.name) && delta > 0) this.#add(metric, attributes, delta);
      },
      addHistogram: () => undefined,
      set: () => undefined,
      expect: () => undefined,
    };
  }

  #add(metric: MetricDescriptor, attributes: Attributes, delta: number): void {
    const key = `${metric.name} ${JSON.stringify(attributes)}`;
    const gain = this.#gains.get(key);
    if (gain === undefined) this.#gains.set(key, { metric, attributes, value: delta });
    else gain.value += delta;
  }

  /** What was gained since the last call, live connections included. */
  take(): IntervalSums {
    const { metrics, live, listeners } = this.#needs;
    const pass = metrics.length > 0 || live === true ? this.#source.pass(this.#now()) : 0;
    if (metrics.length > 0)
      for (const isOften of [true, false]) this.#sums.read((map) => this.#source.read(map), { isOften });
    return { ...this.taken(), ...(listeners === true && { listeners: this.#listenersOf(pass) }) };
  }

  #listenersOf(pass: number): ListenerFigures[] {
    const ownerAt = (view: DataView, offset: number): Owner => this.#owners.find(view, offset);
    return listenerFigures(this.#source.read('listeners'), pass, ownerAt);
  }

  /** Reads what was recorded of the sums. There rows are taken out, and begin anew when they come again. */
  readRecorded(): void {
    if (this.#needs.listeners === true) {
      // Whichever of the two was the last then has the higher number.
      const { pass } = this.#source.passForUnowned(0n);
      this.#listeners = this.#listenersOf(Math.max(pass, this.#source.pass(0n)));
    }
    for (const isOften of [true, false]) this.#sums.read((map) => this.#source.read(map), { isOften });
    for (const { map, rows } of this.#sums.maps) {
      if (rows === undefined) continue;
      const now = new Set<string>();
      for (const { id } of rowsOf(this.#source.read(map))) now.add(id);
      for (const id of this.#seen.get(map) ?? []) if (!now.has(id)) rows.forget(id);
      this.#seen.set(map, now);
    }
  }

  /** What readings gained since the last call. */
  taken(): IntervalSums {
    const gains = [...this.#gains.values()];
    this.#gains = new Map();
    return {
      gains,
      histograms: this.#samples?.take(this.#source.read('samples')) ?? [],
      listeners: this.#listeners,
    };
  }
}

/** When the sums of a view are due. */
export class Intervals {
  readonly #needs: ViewSumsNeeds;
  readonly #sums: ViewSums;
  #dueMs: number;
  #done = 0;

  /** `nowMs`: of any steady clock. */
  constructor(needs: ViewSumsNeeds, sums: ViewSums, nowMs = performance.now()) {
    this.#needs = needs;
    this.#sums = sums;
    this.#dueMs = nowMs + needs.intervalMs;
    // What was moved before is of no interval.
    if (needs.live === true) sums.take();
  }

  /** `nowMs`: of the same clock. */
  isDueAt(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  get isOver(): boolean {
    return this.#done === this.#needs.intervals;
  }

  next(): IntervalSums {
    return this.#end(this.#sums.take());
  }

  /** As `next`, of what was recorded. */
  nextRecorded(): IntervalSums {
    return this.#end(this.#sums.taken());
  }

  #end(gained: IntervalSums): IntervalSums {
    this.#dueMs += this.#needs.intervalMs;
    this.#done += 1;
    return gained;
  }
}
