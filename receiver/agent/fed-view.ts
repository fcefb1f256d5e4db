import { loadavg } from 'node:os';
import { parseCidr } from '../../config/index.ts';
import { monotonicToRealtime } from '../../native/index.ts';
import { ATTR_NETWORK_LOCAL_ADDRESS } from '../../semconv/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { OwnerTable } from '../decode/owners.ts';
import { FeedStream } from '../feed/client.ts';
import { FeedReadError } from '../feed/errors.ts';
import { ASKED, FEED_END, type Greeting, type GreetingSums } from '../feed/protocol.ts';
import { cgroupIdsAt, findCgroupHierarchies } from '../host/cgroup-hierarchies.ts';
import { createClock, type Clock } from '../model/clock.ts';
import type { KernelRecord } from '../model/record.ts';
import { Player } from '../recording/player.ts';
import { TapedKernel } from '../recording/taped-kernel.ts';
import { showsContainers } from '../views/container-column.ts';
import type { ViewArguments } from '../views/options.ts';
import type { Screen } from '../views/top/screen.ts';
import { MAX_REMEMBERED, type View, type ViewSumsNeeds, type ViewTools } from '../views/view.ts';
import { asOfNow, FedSums } from './fed-sums.ts';
import type { FeedPlace } from './feed-place.ts';
import { keepPrivileges } from './privileges.ts';
import type { StopSignals } from './stop-signals.ts';
import { ViewCgroups } from './view-cgroups.ts';
import { cgroupOf, noCgroup } from './view-container.ts';
import { ViewLines } from './view-lines.ts';

/** The agent has so long to send the last of it after Ctrl-C. */
const LAST_MS = 5000;
/** Not all was shown. */
const EXIT_FAILED = 1;
/** How often it is looked whether whoever looks at a screen has enough. */
const LOOK_MS = 50;

/** A stream, and whose. */
export interface OpenFeed {
  readonly path: string;
  readonly stream: FeedStream;
}

/**
 * What a running agent sees of what the view shows. Undefined: the view loads programs of its own; why, when that is not
 * as usual, was said.
 * @throws ConfigError for a container that is not there, FeedReadError when an agent was named and cannot be read from
 */
export async function openFeed(
  view: View,
  args: ViewArguments,
  { path, isNamed }: FeedPlace,
  say: (words: string) => void,
): Promise<OpenFeed | undefined> {
  const hierarchies = findCgroupHierarchies('/proc');
  const cgroup = cgroupOf(view.name, args, hierarchies);
  try {
    const stream = await FeedStream.open(path, greetingOf(view, args, cgroup));
    if (cgroup !== undefined && cgroupIdsAt(hierarchies, cgroup).length === 0) say(noCgroup(cgroup));
    return { path, stream };
  } catch (error) {
    if (!(error instanceof FeedReadError) || isNamed) throw error;
    if (!error.isAbsent) say(`${error.message}: it loads programs of its own`);
    return undefined;
  }
}

function greetingOf(view: View, args: ViewArguments, cgroup: string | undefined): Greeting {
  const { events, attributes = [], traces = false, cgroups = false, sums, probes } = view.needs(args);
  const { local, remote } = view.ports?.(args) ?? {};
  const [pid, netns] = [args.number('pid'), args.number('netns')];
  // Where an agent does not tell listeners apart by address, a row has the address of one of them.
  const isNeeded = (name: string): boolean => sums?.listeners !== true || name !== ATTR_NETWORK_LOCAL_ADDRESS;
  return {
    events: events.map(({ name }) => name),
    ...{ attributes: attributes.filter(isNeeded), traces, probes },
    ...(pid !== undefined && { pid }),
    ...(netns !== undefined && { netns }),
    ...(local !== undefined && { local: [...local] }),
    ...(remote !== undefined && { remote: [...remote] }),
    ...(cgroup !== undefined && { cgroup }),
    ...((cgroups || showsContainers(args)) && { namesCgroups: true }),
    ...(sums !== undefined && { sums: greetingSums(sums) }),
  };
}

function greetingSums({
  metrics,
  subnets,
  live = false,
  listeners = false,
  intervalMs,
}: ViewSumsNeeds): GreetingSums {
  return {
    metrics: metrics.map(({ name }) => name),
    subnets: subnets.map((text) => parseCidr(text).text),
    ...{ live, listeners, intervalMs },
  };
}

export interface FedViewParts extends OpenFeed {
  readonly view: View;
  readonly args: ViewArguments;
  readonly outputs: Outputs;
  /** The terminal, for a view that takes the whole of it. */
  readonly screen: Screen | undefined;
}

/** A view of what an agent sends. */
export class FedView {
  readonly #parts: FedViewParts;
  readonly #player: Player;
  readonly #lines: ViewLines;
  readonly #clock: Clock;
  /** Absent: it shows records alone. */
  readonly #sums: FedSums | undefined;
  /** CLOCK_MONOTONIC when the agent began to tell. */
  #sinceNs = 0n;
  #lost: { readonly first: number; readonly last: number } | undefined;
  #rules = 0;
  #hasBegun = false;
  #isStopping = false;

  constructor(parts: FedViewParts) {
    this.#parts = parts;
    const { view, args, outputs, stream, screen } = parts;
    this.#player = new Player(stream);
    const clock = createClock(monotonicToRealtime);
    this.#clock = clock;
    const kernel = new TapedKernel(this.#player);
    const cgroups = new ViewCgroups(kernel, MAX_REMEMBERED);
    const tools: ViewTools = {
      names: kernel.names,
      toUnixNs: (monotonicNs: bigint) => clock.toUnixNs(monotonicNs),
      maxRemembered: MAX_REMEMBERED,
      isTerminal: outputs.isTerminal.stdout,
      loads: loadavg,
      cgroupOf: (owner) => cgroups.of(owner),
      ...(screen !== undefined && { screen }),
    };
    // Processes are told of before what they did.
    const owners = new OwnerTable(MAX_REMEMBERED, () => false);
    const { sums } = view.needs(args);
    this.#sums = sums && new FedSums(sums, this.#player, owners);
    const seen = (record: KernelRecord): KernelRecord => asOfNow(record, this.#sinceNs);
    this.#lines = new ViewLines({ view, args, tools, owners, outputs, ...(sums?.live === true && { seen }) });
    keepPrivileges();
  }

  /** Until a signal or the agent ends it, or nobody reads it; the exit status. */
  async run(signals: StopSignals): Promise<number> {
    const { path, stream } = this.#parts;
    const lines = this.#lines;
    let timer: NodeJS.Timeout | undefined;
    const stopped = signals.stopped.then(() => {
      this.#isStopping = true;
      stream.finish();
      timer = setTimeout(() => stream.close(), LAST_MS);
    });
    // Who presses a key does not wait for what comes next.
    const closeWhenOver = (): void => void (lines.isOver && stream.close());
    const looks = lines.isScreen ? setInterval(closeWhenOver, LOOK_MS) : undefined;
    const problem = await this.#readAll(stopped);
    clearInterval(looks);
    clearTimeout(timer);
    stream.close();
    const status = await lines.end(() => this.#tellLost());
    if (problem === undefined || this.#isOver || (this.#isStopping && stream.end === undefined))
      return status;
    lines.say(problem === '' ? `the agent at ${path} ended, and so does this` : problem);
    return EXIT_FAILED;
  }

  /** Whoever reads it has enough. */
  get #isOver(): boolean {
    return this.#lines.isGone || this.#lines.isOver || this.#sums?.isOver === true;
  }

  /** Why that is not all; empty: the agent ended. */
  async #readAll(stopped: Promise<void>): Promise<string | undefined> {
    const { path, stream, outputs } = this.#parts;
    const lines = this.#lines;
    try {
      while (!this.#isOver && (await stream.next())) {
        this.#show();
        if (!this.#hasBegun) this.#begin();
        lines.flush();
        // A slow reader is waited for: meanwhile the agent holds what happens, up to its bound.
        if (outputs.stdout.isBusy) await Promise.race([outputs.stdout.drain(), stopped]);
      }
    } catch (error) {
      if (error instanceof FeedReadError) return error.message;
      throw error;
    }
    const { reason, seen } = stream.end ?? { reason: FEED_END.asked, seen: 0 };
    if (reason === FEED_END.asked) return undefined;
    if (reason !== FEED_END.slow) return '';
    return `the agent at ${path} cut it off, since it was read too slowly: what came behind the first ${String(seen)} records is missing`;
  }

  #begin(): void {
    this.#hasBegun = true;
    const whose = this.#rules > 0 ? ', whose filter leaves connections out' : '';
    this.#lines.header();
    const { isScreen } = this.#lines;
    if (!isScreen || whose !== '')
      this.#lines.say(
        `watches through the agent at ${this.#parts.path}${whose}${isScreen ? '' : '; Ctrl-C ends it'}`,
      );
  }

  #show(): void {
    const player = this.#player;
    for (let step = player.step(); step !== undefined; step = player.step()) {
      if (step.name === 'start') this.#sinceNs = step.atNs;
      player.drainAll((bytes) => this.#lines.records(bytes));
      if (step.name === 'collect') this.#showSums(step.atNs);
      if (step.name !== 'tick') continue;
      const lost = player.ask<number>(ASKED.lost) ?? 0;
      this.#lost = { first: this.#lost?.first ?? lost, last: lost };
      const rules = player.ask<number>(ASKED.rules) ?? 0;
      if (this.#rules !== rules) this.#tellRules(rules);
    }
  }

  #showSums(atNs: bigint): void {
    if (this.#sums?.isOver === false) this.#lines.sums(this.#sums.next(), this.#clock.toUnixNs(atNs));
  }

  #tellRules(rules: number): void {
    // The first is said with the beginning.
    if (this.#hasBegun)
      this.#lines.say(`the filter of the agent has changed: it has ${String(rules)} rules now`);
    this.#rules = rules;
  }

  #tellLost(): void {
    const { first, last } = this.#lost ?? { first: 0, last: 0 };
    if (last > first) this.#lines.say(`${String(last - first)} events are missing: they came too fast`);
  }
}
