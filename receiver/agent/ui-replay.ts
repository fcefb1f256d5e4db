import { OwnerTable } from '../decode/owners.ts';
import { createClock } from '../model/clock.ts';
import type { KernelRecord } from '../model/record.ts';
import type { RecordingReader } from '../recording/file-reader.ts';
import { unmarked } from '../recording/for-views.ts';
import type { StepName } from '../recording/format.ts';
import { Player } from '../recording/player.ts';
import { TapedKernel } from '../recording/taped-kernel.ts';
import { listenerFigures } from '../signals/listener/figures.ts';
import { decodeBatch } from '../signals/records.ts';
import { UiModel } from '../ui/model.ts';
import { isShown } from '../views/filter.ts';
import { portsOf, type ViewArguments } from '../views/options.ts';
import { MAX_REMEMBERED } from '../views/view.ts';
import { Pace } from './replay-pace.ts';
import type { StopSignals } from './stop-signals.ts';

/** Steps in which listeners were looked at. */
const READING: ReadonlySet<StepName> = new Set(['collect', 'stop']);

/** A recording, and what is shown of it. */
export interface Replayed {
  readonly reader: RecordingReader;
  /** What it is called. */
  readonly path: string;
  readonly args: ViewArguments;
}

/** Reads a recording to its end into the model that `begin` is told of, or until a signal comes. */
export async function readForUi(
  { reader, path, args }: Replayed,
  signals: Pick<StopSignals, 'isStopping' | 'stopped'>,
  begin: (model: UiModel) => void,
): Promise<void> {
  const player = new Player(reader);
  const pace = new Pace(false, signals);
  const kernel = new TapedKernel(player);
  const owners = new OwnerTable(MAX_REMEMBERED, (key, info) => kernel.lookup('owners', key, info));
  const clock = createClock(() => player.clocks());
  const model = new UiModel(
    { kind: 'recording', hasLive: reader.meta.hasLive === true, words: `the recording ${path}` },
    {
      ...{ names: kernel.names, maxRemembered: MAX_REMEMBERED, isTerminal: false, loads: () => [] },
      toUnixNs: (ns) => clock.toUnixNs(ns),
    },
  );
  begin(model);
  const isWanted = wantedOf(args);
  const decoded = { decoded: 0, bad: 0 };
  for (let step = player.step(); step !== undefined; step = player.step()) {
    await pace.wait(step.atNs, () => false);
    if (pace.isStopping) return;
    player.drainAll((bytes) =>
      decodeBatch(
        unmarked(bytes),
        owners,
        decoded,
        (record) => void (isWanted(record) && model.take(record)),
      ),
    );
    if (!READING.has(step.name)) continue;
    const figures = listenerFigures(kernel.read('listeners'), kernel.pass(step.atNs), (view, offset) =>
      owners.find(view, offset),
    );
    model.end(clock.toUnixNs(step.atNs), figures);
  }
  model.isOver = true;
  tell(model, reader, decoded.bad);
}

/** What the kernel, or an agent, leaves out by itself when it is live. */
function wantedOf(args: ViewArguments): (record: KernelRecord) => boolean {
  const pid = args.number('pid');
  const ports = portsOf(args);
  return (record) =>
    isShown(record, args, ports) && (pid === undefined || ('owner' in record && record.owner.pid === pid));
}

/** What is not there of it. */
function tell(model: UiModel, { end, problem }: RecordingReader, bad: number): void {
  if (problem !== undefined) model.say(problem);
  if (end === undefined) model.say('the end of the recording is not there: how much was lost is not known');
  else if (end.lost > 0) model.say(`${String(end.lost)} events are missing: they came too fast`);
  if (bad > 0) model.say(`${String(bad)} records could not be read`);
}
