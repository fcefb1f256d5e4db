import { setTimeout as sleep } from 'node:timers/promises';
import { parseCidr } from '../../config/index.ts';
import { monotonicToRealtime } from '../../native/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { LOSS_REASON } from '../decode/generated/layout.ts';
import { OwnerTable } from '../decode/owners.ts';
import { findCgroupHierarchies } from '../host/cgroup-hierarchies.ts';
import { createClock, type Clock } from '../model/clock.ts';
import { LiveFilter } from '../settings/filter.ts';
import { viewKernelOptions } from '../settings/view.ts';
import { KernelSource } from '../source/kernel-source.ts';
import { kernelRulesOf } from '../views/filter.ts';
import { optionsOf, renderViewHelp } from '../views/help.ts';
import { parseViewArguments, type ViewArguments } from '../views/options.ts';
import { MAX_REMEMBERED, type View } from '../views/view.ts';
import { keepPrivileges } from './privileges.ts';
import type { StopSignals } from './stop-signals.ts';
import { checkSupport } from './support.ts';
import { ViewLines } from './view-lines.ts';
import { Intervals, ViewSums } from './view-sums.ts';

/** How often it is looked for what happened. */
const DRAIN_MS = 50;
const CHECK_MS = 5000;

/**
 * Runs a view until a signal ends it, or nobody reads it; the exit status.
 * @throws ConfigError for options that cannot be used
 * @throws UnsupportedError, NativeError when the machine cannot
 */
export async function runView(
  view: View,
  argv: readonly string[],
  signals: StopSignals,
  outputs: Outputs,
): Promise<number> {
  const args = parseViewArguments(view.name, optionsOf(view), argv, view.words);
  if (args.has('help')) {
    outputs.stdout.write(renderViewHelp(view));
    await outputs.stdout.drain();
    return 0;
  }
  const session = new ViewSession(view, args, outputs);
  try {
    return await session.run(signals);
  } finally {
    session.close();
  }
}

class ViewSession {
  readonly #args: ViewArguments;
  readonly #outputs: Outputs;
  readonly #source: KernelSource;
  readonly #filter: LiveFilter;
  readonly #lines: ViewLines;
  readonly #clock: Clock;
  /** Absent: it shows events alone. */
  readonly #intervals: Intervals | undefined;
  readonly #probes: ReadonlySet<string>;
  #lost = 0;

  constructor(view: View, args: ViewArguments, outputs: Outputs) {
    this.#args = args;
    this.#outputs = outputs;
    const { events, sums, attributes = [], traces = false, costly = false, probes } = view.needs(args);
    this.#probes = new Set(probes);
    const include = kernelRulesOf(args, view.ports?.(args) ?? {});
    const hierarchies = findCgroupHierarchies('/proc');
    const options = viewKernelOptions(
      {
        events,
        attributes,
        traces,
        costly,
        metrics: sums?.metrics ?? [],
        subnets: (sums?.subnets ?? []).map(parseCidr),
        include,
      },
      hierarchies,
    );
    checkSupport(options);
    const source = KernelSource.start(options);
    this.#source = source;
    const owners = new OwnerTable(options.maxOwners, (key, info) => source.lookup('owners', key, info));
    const clock = createClock(monotonicToRealtime);
    this.#clock = clock;
    this.#intervals =
      sums && new Intervals(sums, new ViewSums(source, owners, { needs: sums, attributes, now: clock.now }));
    const toUnixNs = (monotonicNs: bigint): bigint => clock.toUnixNs(monotonicNs);
    const tools = { names: source.names, toUnixNs, maxRemembered: MAX_REMEMBERED };
    this.#lines = new ViewLines({ view, args, tools, owners, outputs });
    // It may have something to say at once.
    this.#filter = new LiveFilter(
      { include, exclude: [] },
      {
        hierarchies,
        apply: (filter) => source.setFilter(filter),
        onMissing: (path) => this.#lines.say(`there is no cgroup ${path}: nothing is shown until it is made`),
      },
    );
    keepPrivileges();
  }

  /** Until a signal or the last interval ends it, or nobody reads it; the exit status. */
  async run(signals: StopSignals): Promise<number> {
    const lines = this.#lines;
    for (const { probe, why } of this.#source.plan.missing)
      if (this.#probes.has(probe)) lines.say(`not all is seen: ${probe}: ${why}`);
    if (!lines.header()) lines.say('watches; Ctrl-C ends it');
    const stop = new AbortController();
    void signals.stopped.then(() => stop.abort());
    for (let checkedMs = performance.now(); !stop.signal.aborted && !lines.isGone;) {
      // A slow reader is waited for: meanwhile the kernel's buffer holds what happens.
      if (!this.#outputs.stdout.isBusy) this.#look();
      if (this.#intervals?.isOver === true) break;
      await sleep(DRAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      if (performance.now() - checkedMs < CHECK_MS) continue;
      checkedMs = performance.now();
      this.#filter.check();
      this.#tellLost();
    }
    return await this.#finish();
  }

  #look(): void {
    this.#drain();
    if (this.#intervals?.isDueAt(performance.now()) === true) this.#showSums(this.#intervals);
    this.#lines.flush();
  }

  async #finish(): Promise<number> {
    this.#source.detach();
    await this.#lines.drain();
    this.#drain();
    if (this.#intervals?.isOver === false) this.#showSums(this.#intervals);
    return await this.#lines.end(() => this.#tellLost());
  }

  close(): void {
    this.#source.close();
  }

  #drain(): void {
    this.#source.drain((bytes) => this.#lines.records(bytes));
  }

  #showSums(intervals: Intervals): void {
    this.#lines.sums(intervals.next(), this.#clock.toUnixNs(this.#clock.now()));
  }

  /** What the kernel had no room for since it was told last. */
  #tellLost(): void {
    const lost = this.#source
      .losses()
      .reduce(
        (sum, count, i) => (i % LOSS_REASON.LOSS_REASONS === LOSS_REASON.LOST_RING_FULL ? sum + count : sum),
        0,
      );
    if (lost > this.#lost)
      this.#lines.say(`${String(lost - this.#lost)} events are missing: they came too fast`);
    this.#lost = lost;
  }
}
