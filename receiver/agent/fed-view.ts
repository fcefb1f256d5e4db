import { ConfigError } from '../../config/index.ts';
import { monotonicToRealtime } from '../../native/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { OwnerTable } from '../decode/owners.ts';
import { FeedReadError, FeedStream } from '../feed/client.ts';
import { ASKED, DEFAULT_SOCKET, FEED_END, type Greeting } from '../feed/protocol.ts';
import { createClock } from '../model/clock.ts';
import { Player } from '../recording/player.ts';
import { tapedNames } from '../recording/taped-kernel.ts';
import type { ViewArguments } from '../views/options.ts';
import { MAX_REMEMBERED, type View } from '../views/view.ts';
import { keepPrivileges } from './privileges.ts';
import type { StopSignals } from './stop-signals.ts';
import { ViewLines } from './view-lines.ts';

/** The agent has so long to send the last of it after Ctrl-C. */
const LAST_MS = 5000;
/** Not all was shown. */
const EXIT_FAILED = 1;
/** What the agent cannot leave out by its bytes. */
const OWN_LIMITS = ['cgroup', 'container'];

/** A stream, and whose. */
export interface OpenFeed {
  readonly path: string;
  readonly stream: FeedStream;
}

/**
 * What a running agent sees of what the view shows. Undefined: the view loads programs of its own; why, when that is not
 * as usual, was said.
 * @throws ConfigError, FeedReadError when an agent was named and cannot be read from
 */
export async function openFeed(
  view: View,
  args: ViewArguments,
  say: (words: string) => void,
): Promise<OpenFeed | undefined> {
  const named = args.text('agent');
  if (view.loadsAlways === true || args.has('no-agent')) return undefined;
  const limit = OWN_LIMITS.find((option) => args.has(option));
  if (named !== undefined && limit !== undefined)
    throw new ConfigError([
      {
        subject: `wirespan ${view.name}: --agent`,
        problem: `does not go with --${limit}: leave one of them out`,
      },
    ]);
  const path = named ?? (process.env['WIRESPAN_VIEWS_SOCKET']?.trim() || DEFAULT_SOCKET);
  if (limit !== undefined || path === 'off') return undefined;
  try {
    return { path, stream: await FeedStream.open(path, greetingOf(view, args)) };
  } catch (error) {
    if (!(error instanceof FeedReadError) || named !== undefined) throw error;
    if (!error.isAbsent) say(`${error.message}: it loads programs of its own`);
    return undefined;
  }
}

function greetingOf(view: View, args: ViewArguments): Greeting {
  const { events, attributes = [], traces = false, probes } = view.needs(args);
  const { local, remote } = view.ports?.(args) ?? {};
  const [pid, netns] = [args.number('pid'), args.number('netns')];
  return {
    events: events.map(({ name }) => name),
    ...{ attributes, traces, probes },
    ...(pid !== undefined && { pid }),
    ...(netns !== undefined && { netns }),
    ...(local !== undefined && { local: [...local] }),
    ...(remote !== undefined && { remote: [...remote] }),
  };
}

export interface FedViewParts extends OpenFeed {
  readonly view: View;
  readonly args: ViewArguments;
  readonly outputs: Outputs;
}

/** A view of what an agent sends. */
export class FedView {
  readonly #parts: FedViewParts;
  readonly #player: Player;
  readonly #lines: ViewLines;
  #lost: { readonly first: number; readonly last: number } | undefined;
  #rules = 0;
  #hasBegun = false;
  #isStopping = false;

  constructor(parts: FedViewParts) {
    this.#parts = parts;
    const { view, args, outputs, stream } = parts;
    this.#player = new Player(stream);
    const clock = createClock(monotonicToRealtime);
    const tools = {
      names: tapedNames(this.#player),
      toUnixNs: (monotonicNs: bigint) => clock.toUnixNs(monotonicNs),
      maxRemembered: MAX_REMEMBERED,
      isTerminal: outputs.isTerminal.stdout,
      loads: () => [],
    };
    // Processes are told of before what they did.
    const owners = new OwnerTable(MAX_REMEMBERED, () => false);
    this.#lines = new ViewLines({ view, args, tools, owners, outputs });
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
    const problem = await this.#readAll(stopped);
    clearTimeout(timer);
    stream.close();
    const status = await lines.end(() => this.#tellLost());
    if (problem === undefined || lines.isGone || (this.#isStopping && stream.end === undefined))
      return status;
    lines.say(problem === '' ? `the agent at ${path} ended, and so does this` : problem);
    return EXIT_FAILED;
  }

  /** Why that is not all; empty: the agent ended. */
  async #readAll(stopped: Promise<void>): Promise<string | undefined> {
    const { path, stream, outputs } = this.#parts;
    const lines = this.#lines;
    try {
      while (!lines.isGone && (await stream.next())) {
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
    this.#lines.say(`watches through the agent at ${this.#parts.path}${whose}; Ctrl-C ends it`);
  }

  #show(): void {
    const player = this.#player;
    for (let step = player.step(); step !== undefined; step = player.step()) {
      player.drainAll((bytes) => this.#lines.records(bytes));
      if (step.name !== 'tick') continue;
      const lost = player.ask<number>(ASKED.lost) ?? 0;
      this.#lost = { first: this.#lost?.first ?? lost, last: lost };
      const rules = player.ask<number>(ASKED.rules) ?? 0;
      if (this.#rules !== rules) this.#tellRules(rules);
    }
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
