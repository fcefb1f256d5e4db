import { setTimeout as sleep } from 'node:timers/promises';
import { parseCidr } from '../../config/index.ts';
import { monotonicToRealtime } from '../../native/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import type { DecodeCounters } from '../decode/batch.ts';
import { LOSS_REASON } from '../decode/generated/layout.ts';
import { OwnerTable } from '../decode/owners.ts';
import { findCgroupHierarchies } from '../host/cgroup-hierarchies.ts';
import { createClock, type Clock } from '../model/clock.ts';
import { LiveFilter } from '../settings/filter.ts';
import { viewKernelOptions } from '../settings/view.ts';
import { decodeBatch } from '../signals/records.ts';
import { KernelSource } from '../source/kernel-source.ts';
import { isShown, kernelRulesOf } from '../views/filter.ts';
import { optionsOf, renderViewHelp } from '../views/help.ts';
import { parseViewArguments, type ViewArguments } from '../views/options.ts';
import type { Gain, View, ViewPorts, ViewRow, ViewRun } from '../views/view.ts';
import { keepPrivileges } from './privileges.ts';
import type { StopSignals } from './stop-signals.ts';
import { checkSupport } from './support.ts';
import { Intervals, ViewSums } from './view-sums.ts';

/** How often it is looked for what happened. */
const DRAIN_MS = 50;
const CHECK_MS = 5000;
/** A reader of the last lines has so long to take what waits. */
const LAST_LINES_MS = 5000;
/** Things that a view remembers, such as the state of a socket. */
const MAX_REMEMBERED = 65_536;
/** Standard output takes nothing. */
const EXIT_FAILED = 1;

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
  readonly #view: View;
  readonly #args: ViewArguments;
  readonly #outputs: Outputs;
  readonly #source: KernelSource;
  readonly #owners: OwnerTable;
  readonly #filter: LiveFilter;
  readonly #run: ViewRun;
  readonly #clock: Clock;
  /** Absent: it shows events alone. */
  readonly #intervals: Intervals | undefined;
  readonly #probes: ReadonlySet<string>;
  readonly #decoded: DecodeCounters = { decoded: 0, bad: 0 };
  readonly #ports: ViewPorts;
  /** Printed together: of one long write nothing is left out when nothing waits. */
  #lines: string[] = [];
  #isGone = false;
  #lost = 0;

  constructor(view: View, args: ViewArguments, outputs: Outputs) {
    this.#view = view;
    this.#args = args;
    this.#outputs = outputs;
    const { events, sums, attributes = [], traces = false, costly = false, probes } = view.needs(args);
    this.#probes = new Set(probes);
    this.#ports = view.ports?.(args) ?? {};
    const include = kernelRulesOf(args, this.#ports);
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
    this.#source = KernelSource.start(options);
    this.#owners = new OwnerTable(options.maxOwners, (key, info) => this.#source.lookup('owners', key, info));
    this.#filter = new LiveFilter(
      { include, exclude: [] },
      {
        hierarchies,
        apply: (filter) => this.#source.setFilter(filter),
        onMissing: (path) => this.#say(`there is no cgroup ${path}: nothing is shown until it is made`),
      },
    );
    const clock = createClock(monotonicToRealtime);
    this.#clock = clock;
    this.#intervals =
      sums &&
      new Intervals(
        sums,
        new ViewSums(this.#source, this.#owners, { needs: sums, attributes, now: clock.now }),
      );
    this.#run = view.start(args, {
      names: this.#source.names,
      toUnixNs: (monotonicNs) => clock.toUnixNs(monotonicNs),
      maxRemembered: MAX_REMEMBERED,
    });
    keepPrivileges();
    outputs.stdout.onGone(() => (this.#isGone = true));
  }

  /** Until a signal or the last interval ends it, or nobody reads it; the exit status. */
  async run(signals: StopSignals): Promise<number> {
    for (const { probe, why } of this.#source.plan.missing)
      if (this.#probes.has(probe)) this.#say(`not all is seen: ${probe}: ${why}`);
    const { header } = this.#run;
    if (header === undefined || this.#args.has('json')) this.#say('watches; Ctrl-C ends it');
    else this.#lines.push(header);
    const stop = new AbortController();
    void signals.stopped.then(() => stop.abort());
    for (let checkedMs = performance.now(); !stop.signal.aborted && !this.#isGone;) {
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
    if (this.#intervals?.isDue === true) this.#showSums(this.#intervals.next());
    this.#flush();
  }

  async #finish(): Promise<number> {
    this.#source.detach();
    const { stdout } = this.#outputs;
    await stdout.drain(LAST_LINES_MS);
    this.#drain();
    if (this.#intervals?.isOver === false) this.#showSums(this.#intervals.next());
    for (const row of this.#run.end?.() ?? []) this.#show(row);
    this.#flush();
    await stdout.drain(LAST_LINES_MS);
    this.#tellLost();
    for (const note of this.#run.notes?.() ?? []) this.#say(note);
    const { failure } = stdout;
    const why = failure ?? 'nobody reads it';
    if (this.#isGone || (stdout.dropped === 0 && !stdout.isBusy && failure === undefined)) return 0;
    this.#say(`lines are missing, since standard output did not take them: ${why}`);
    return EXIT_FAILED;
  }

  close(): void {
    this.#source.close();
  }

  #drain(): void {
    this.#source.drain((bytes) => {
      decodeBatch(bytes, this.#owners, this.#decoded, (record) => {
        if (!isShown(record, this.#args, this.#ports)) return;
        const row = this.#run.row(record);
        if (row !== undefined) this.#show(row);
      });
    });
  }

  #showSums(gains: readonly Gain[]): void {
    const unixNs = this.#clock.toUnixNs(this.#clock.now());
    for (const row of this.#run.interval?.(gains, unixNs) ?? []) this.#show(row);
  }

  #show({ lines, json }: ViewRow): void {
    if (!this.#args.has('json')) for (const line of lines) this.#lines.push(line);
    else if (json !== undefined) this.#lines.push(JSON.stringify(json));
  }

  #flush(): void {
    if (this.#lines.length > 0) this.#outputs.stdout.write(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }

  #say(words: string): void {
    this.#outputs.stderr.write(`wirespan ${this.#view.name}: ${words}\n`);
  }

  /** What the kernel had no room for since it was told last. */
  #tellLost(): void {
    const lost = this.#source
      .losses()
      .reduce(
        (sum, count, i) => (i % LOSS_REASON.LOSS_REASONS === LOSS_REASON.LOST_RING_FULL ? sum + count : sum),
        0,
      );
    if (lost > this.#lost) this.#say(`${String(lost - this.#lost)} events are missing: they came too fast`);
    this.#lost = lost;
  }
}
