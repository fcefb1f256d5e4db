import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicToRealtime } from '../../native/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { LOSS_REASON } from '../decode/generated/layout.ts';
import { OwnerTable } from '../decode/owners.ts';
import { findCgroupHierarchies } from '../host/cgroup-hierarchies.ts';
import { createClock, type Clock } from '../model/clock.ts';
import type { Owner } from '../model/resource.ts';
import { LiveFilter } from '../settings/filter.ts';
import { KernelSource } from '../source/kernel-source.ts';
import { kernelRulesOf } from '../views/filter.ts';
import { optionsOf, renderViewHelp } from '../views/help.ts';
import { parseViewArguments, type ViewArguments } from '../views/options.ts';
import type { Screen } from '../views/top/screen.ts';
import { MAX_REMEMBERED, type View } from '../views/view.ts';
import { feedPlace } from './feed-place.ts';
import { keepPrivileges } from './privileges.ts';
import type { StopSignals } from './stop-signals.ts';
import { checkSupport } from './support.ts';
import { ViewCgroups } from './view-cgroups.ts';
import { cgroupOf, noCgroup } from './view-container.ts';
import { ViewLines } from './view-lines.ts';
import { withNetns } from './view-netns.ts';
import { kernelOptionsOf } from './view-options.ts';
import { screenFor } from './view-screen.ts';
import { Intervals, ViewSums } from './view-sums.ts';

/** How often it is looked for what happened. */
const DRAIN_MS = 50;
const CHECK_MS = 5000;
/** What is told of the kernel's bounds. */
const LOSSES = [
  [LOSS_REASON.LOST_RING_FULL, 'events are missing: they came too fast'],
  [LOSS_REASON.LOST_MAP_FULL, 'are missing of what was counted: the kernel side has no more room'],
] as const;

/**
 * Runs a view until a signal ends it, or nobody reads it; the exit status.
 * @throws ConfigError for options that cannot be used
 * @throws FeedReadError when an agent was named and cannot be read from
 * @throws UnsupportedError, NativeError when the machine cannot
 */
export async function runView(
  view: View,
  argv: readonly string[],
  signals: StopSignals,
  outputs: Outputs,
): Promise<number> {
  const isHelp = argv.includes('--help') || argv.includes('-h');
  const screen = isHelp ? undefined : await screenFor(view, argv, outputs);
  const args = withNetns(view.name, parseViewArguments(view.name, optionsOf(view), argv, view.words));
  if (args.has('help')) {
    outputs.stdout.write(renderViewHelp(view));
    await outputs.stdout.drain();
    return 0;
  }
  const say = (words: string): void => void outputs.stderr.write(`wirespan ${view.name}: ${words}\n`);
  const place = feedPlace(view, args);
  if (place !== undefined) {
    const { openFeed, FedView } = await import('./fed-view.ts');
    const feed = await openFeed(view, args, place, say);
    if (feed !== undefined) return await new FedView({ ...feed, view, args, outputs, screen }).run(signals);
  }
  return await watch(view, args, { outputs, screen }, signals);
}

/** Where a view is seen; `screen`: absent without one. */
interface Seen {
  readonly outputs: Outputs;
  readonly screen?: Screen | undefined;
}

/**
 * Runs a view by programs of its own until a signal ends it, or nobody reads it; the exit status.
 * @throws UnsupportedError, NativeError when the machine cannot
 */
export async function watch(
  view: View,
  args: ViewArguments,
  { outputs, screen }: Seen,
  signals: StopSignals,
): Promise<number> {
  const session = new ViewSession(view, args, outputs, screen);
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
  /** By reason. */
  readonly #lost: Record<number, number> = {};

  constructor(view: View, args: ViewArguments, outputs: Outputs, screen: Screen | undefined) {
    this.#args = args;
    this.#outputs = outputs;
    const needs = view.needs(args);
    const { sums, attributes = [] } = needs;
    this.#probes = new Set(needs.probes);
    const hierarchies = findCgroupHierarchies('/proc');
    const include = kernelRulesOf(args, view.ports?.(args) ?? {}, cgroupOf(view.name, args, hierarchies));
    const options = kernelOptionsOf(needs, include, hierarchies);
    checkSupport(options);
    const source = KernelSource.start(options);
    this.#source = source;
    const owners = new OwnerTable(options.maxOwners, (key, info) => source.lookup('owners', key, info));
    const clock = createClock(monotonicToRealtime);
    this.#clock = clock;
    this.#intervals =
      sums && new Intervals(sums, new ViewSums(source, owners, { needs: sums, attributes, now: clock.now }));
    const toUnixNs = (monotonicNs: bigint): bigint => clock.toUnixNs(monotonicNs);
    const cgroups = new ViewCgroups(source, MAX_REMEMBERED);
    const { stdout: isTerminal } = outputs.isTerminal;
    const tools = {
      names: source.names,
      toUnixNs,
      maxRemembered: MAX_REMEMBERED,
      isTerminal,
      cgroupOf: (owner: Owner) => cgroups.of(owner),
      ...(screen !== undefined && { screen }),
      loads: loadavg,
    };
    this.#lines = new ViewLines({ view, args, tools, owners, outputs });
    // It may have something to say at once.
    this.#filter = new LiveFilter(
      { include, exclude: [] },
      {
        hierarchies,
        apply: (filter) => source.setFilter(filter),
        onMissing: (path) => this.#lines.say(noCgroup(path)),
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
    // There are no settings to be read again.
    if (lines.isScreen) signals.onReload(() => stop.abort());
    for (let checkedMs = performance.now(); !stop.signal.aborted && !lines.isGone;) {
      // A slow reader is waited for: meanwhile the kernel's buffer holds what happens.
      if (!this.#outputs.stdout.isBusy) this.#look();
      if (this.#intervals?.isOver === true || lines.isOver) break;
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
    this.#lines.look(this.#clock.now());
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
    this.#lines.close();
    this.#source.close();
  }

  #drain(): void {
    this.#source.drain((bytes) => this.#lines.records(bytes));
  }

  #showSums(intervals: Intervals): void {
    const sums = intervals.next();
    this.#drain();
    this.#lines.sums(sums, this.#clock.toUnixNs(this.#clock.now()));
  }

  /** What the kernel had no room for since it was told last. */
  #tellLost(): void {
    const losses = this.#source.losses();
    for (const [reason, words] of LOSSES) {
      const lost = losses.reduce((sum, n, i) => (i % LOSS_REASON.LOSS_REASONS === reason ? sum + n : sum), 0);
      const before = this.#lost[reason] ?? 0;
      if (lost > before) this.#lines.say(`${String(lost - before)} ${words}`);
      this.#lost[reason] = lost;
    }
  }
}
