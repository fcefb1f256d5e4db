import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, parseCidr } from '../../config/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { OwnerTable } from '../decode/owners.ts';
import { createClock } from '../model/clock.ts';
import type { KernelRecord } from '../model/record.ts';
import type { RecordingReader } from '../recording/file-reader.ts';
import type { StepName } from '../recording/format.ts';
import { unmarked } from '../recording/for-views.ts';
import type { Player } from '../recording/player.ts';
import { TapedKernel } from '../recording/taped-kernel.ts';
import { TapedMachine } from '../recording/taped-machine.ts';
import { optionsOf, renderViewHelp } from '../views/help.ts';
import { parseViewArguments, type ViewArguments } from '../views/options.ts';
import { MAX_REMEMBERED, type View, type ViewTools } from '../views/view.ts';
import type { Pace } from './replay-pace.ts';
import { ViewCgroups } from './view-cgroups.ts';
import { ViewLines } from './view-lines.ts';
import { withNetns } from './view-netns.ts';
import { screenFor } from './view-screen.ts';
import { Intervals, ViewSums } from './view-sums.ts';

/** Steps in which sums were read. */
const READING: ReadonlySet<StepName> = new Set(['collect', 'sweep', 'stop']);
/** How often it is looked whether whoever looks at a screen has enough. */
const LOOK_MS = 50;
/** Processes of a recording are none of this machine's. */
const NOWHERE = '/dev/null';
/** Processes remembered. */
const MAX_OWNERS = 65_536;

export interface ReplayedView {
  readonly view: View;
  readonly argv: readonly string[];
  readonly reader: RecordingReader;
  readonly player: Player;
  readonly pace: Pace;
}

/**
 * Prints what the view would have shown; the exit status.
 * @throws ConfigError for options that cannot be used, or not with this recording
 */
export async function replayView(replayed: ReplayedView, outputs: Outputs): Promise<number> {
  const { view, argv, reader, player, pace } = replayed;
  const isHelp = argv.includes('--help') || argv.includes('-h');
  const screen = isHelp ? undefined : await screenFor(view, argv, outputs);
  const given = parseViewArguments(view.name, optionsOf(view), argv, view.words);
  if (given.has('help')) {
    outputs.stdout.write(renderViewHelp(view));
    await outputs.stdout.drain();
    return 0;
  }
  refuseLiveAlone(given);
  const args = withNetns(view.name, given);
  const { sums, packets, attributes = [] } = view.needs(args);
  if (
    packets !== undefined ||
    sums?.samples !== undefined ||
    (sums?.live === true && reader.meta.hasLive !== true)
  )
    refuseLive(args, view, packets !== undefined);
  checkNetworks(sums?.subnets ?? [], reader.meta.subnets);
  const kernel = new TapedKernel(player);
  const owners = new OwnerTable(MAX_OWNERS, (key, info) => kernel.lookup('owners', key, info));
  const clock = createClock(() => player.clocks());
  const toUnixNs = (monotonicNs: bigint): bigint => clock.toUnixNs(monotonicNs);
  const tools: ViewTools = {
    ...{ names: kernel.names, toUnixNs, maxRemembered: MAX_REMEMBERED },
    ...{ isTerminal: outputs.isTerminal.stdout, loads: () => [], ...(screen !== undefined && { screen }) },
    cgroupOf: recordedCgroups(kernel, player),
  };
  const lines = new ViewLines({ view, args, tools, owners, outputs, isShown: shownOf(args) });
  const viewSums = sums && new ViewSums(kernel, owners, { needs: sums, attributes, now: () => player.nowNs });
  let intervals: Intervals | undefined;
  lines.header();
  for (let step = player.step(); step !== undefined && !lines.isGone; step = player.step()) {
    const nowMs = Number(step.atNs) / 1e6;
    await pace.wait(step.atNs, () => outputs.stdout.isBusy);
    if (pace.isStopping) break;
    player.drainAll((bytes) => lines.records(sums?.live === true ? unmarked(bytes) : bytes));
    if (sums !== undefined && viewSums !== undefined) {
      intervals ??= new Intervals(sums, viewSums, nowMs);
      if (READING.has(step.name)) viewSums.readRecorded();
      if (step.name === 'stop' || (step.name === 'collect' && intervals.isDueAt(nowMs)))
        lines.sums(intervals.nextRecorded(), toUnixNs(step.atNs));
    }
    lines.flush();
    if (intervals?.isOver === true || lines.isOver) break;
  }
  if (lines.isScreen && intervals?.isOver !== true) await stay(lines, pace);
  return await lines.end(() => {
    const lost = reader.end?.lost ?? 0;
    if (lost > 0) lines.say(`${String(lost)} events are missing: they came too fast`);
  });
}

/** As the kernel noted them, else the containers that `/proc` told of then. */
function recordedCgroups(kernel: TapedKernel, player: Player): NonNullable<ViewTools['cgroupOf']> {
  const cgroups = new ViewCgroups(kernel, MAX_REMEMBERED, NOWHERE);
  const processes = new TapedMachine(player).processes(() => undefined);
  return (owner) => {
    const containerId = processes.read(owner)?.container.containerId;
    return cgroups.of(owner) ?? (containerId === undefined ? undefined : { path: '', containerId });
  };
}

/** The last of it is looked at until a key or a signal ends that. */
async function stay(lines: ViewLines, pace: Pace): Promise<void> {
  lines.say('the recording ends here');
  while (!lines.isOver && !lines.isGone && !pace.isStopping) await sleep(LOOK_MS);
}

/** What the kernel leaves out by itself when a view is live. */
function shownOf(args: ViewArguments): (record: KernelRecord) => boolean {
  const pid = args.number('pid');
  return (record) => pid === undefined || ('owner' in record && record.owner.pid === pid);
}

/** Its programs are loaded for it alone. */
function refuseLive(args: ViewArguments, { name }: View, isOfPackets: boolean): never {
  const option = ['dist', 'events'].find((long) => args.has(long));
  const what = option === undefined ? name : `${name} --${option}`;
  const missing = isOfPackets
    ? 'recordings have no packets'
    : 'this recording has no samples, or no figures of connections between their beginning and end';
  throw new ConfigError([{ subject: `wirespan replay: ${what}`, problem: `cannot be shown: ${missing}` }]);
}

/** Options that a replayed view has not, and why. */
const LIVE_ALONE: Readonly<Record<string, string>> = {
  cgroup: 'a recording has no cgroups',
  container: 'a recording has no cgroups',
  'pid-netns': 'a recording has no processes of this machine',
  agent: 'a recording needs no agent',
  'no-agent': 'a recording needs no agent',
  dns: 'a recording has no answers of name servers',
};

function refuseLiveAlone(args: ViewArguments): void {
  for (const [option, reason] of Object.entries(LIVE_ALONE))
    if (args.has(option))
      throw new ConfigError([
        { subject: `wirespan replay: --${option}`, problem: `is for live views: ${reason}` },
      ]);
}

function checkNetworks(asked: readonly string[], recorded: readonly string[]): void {
  const wanted = asked.map((text) => parseCidr(text).text).join(',');
  if (wanted === '' || wanted === recorded.join(',')) return;
  throw new ConfigError([
    {
      subject: `wirespan replay: networks ${wanted}`,
      problem: `are not those of the recording, which counted ${recorded.join(',')}: record with WIRESPAN_SUBNETS`,
    },
  ]);
}
