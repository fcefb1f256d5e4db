import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, loadConfig, type AppConfig } from '../../config/index.ts';
import { monotonicToRealtime } from '../../native/index.ts';
import { VERSION } from '../../semconv/index.ts';
import { readTextFile } from '../../text/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { VIEWED_RECORD } from '../decode/generated/layout.ts';
import { findCgroupHierarchies } from '../host/cgroup-hierarchies.ts';
import { createMachine } from '../host/machine.ts';
import { RecordingWriter } from '../recording/file-writer.ts';
import type { StepName } from '../recording/format.ts';
import { LAYOUTS } from '../recording/layouts.ts';
import { AddressMask } from '../recording/mask.ts';
import { Recorder } from '../recording/recorder.ts';
import { TapedKernel } from '../recording/taped-kernel.ts';
import { TapedMachine } from '../recording/taped-machine.ts';
import { KernelSource } from '../source/kernel-source.ts';
import { parseViewArguments } from '../views/options.ts';
import { lostRecords } from './agent-feed.ts';
import { Pipeline, type Outlets } from './pipeline.ts';
import { keepPrivileges } from './privileges.ts';
import { RECORD_OPTIONS, recordHelp, recordLimitsOf, type RecordLimits } from './record-options.ts';
import { recordedKernelOptions, recordedSettings } from './recorded-settings.ts';
import type { StopSignals } from './stop-signals.ts';
import { checkSupport } from './support.ts';

const [BUSY_DRAIN_MS, IDLE_DRAIN_MS] = [10, 250];
const TICK_MS = 1000;
const SWEEP_MS = 5000;
/** What was recorded for so long is in the file. */
const FLUSH_MS = 5000;
const NOBODY: Outlets = { event: () => undefined, span: () => undefined };

/**
 * Writes a recording until its time or its size is reached or a signal ends it; the exit status.
 * @throws ConfigError, RecordingError in one sentence
 * @throws UnsupportedError, NativeError when the machine cannot
 */
export async function runRecord(
  argv: readonly string[],
  signals: StopSignals,
  outputs: Outputs,
): Promise<number> {
  const args = parseViewArguments('record', RECORD_OPTIONS, argv, ['file']);
  if (args.has('help')) {
    outputs.stdout.write(recordHelp());
    await outputs.stdout.drain();
    return 0;
  }
  const path = args.text('file');
  if (path === undefined)
    throw new ConfigError([
      { subject: 'wirespan record', problem: 'needs a file: wirespan record case.wirespan' },
    ]);
  const say = (words: string): void => void outputs.stderr.write(`wirespan record: ${words}\n`);
  const session = openSession(path, {
    limits: recordLimitsOf(args),
    isForced: args.has('force'),
    isMasked: args.has('mask-addresses'),
  });
  try {
    say(`writes ${path}; Ctrl-C ends it`);
    const summary = await session.run(signals);
    say(summary);
    return 0;
  } finally {
    session.close();
  }
}

export interface RecordWishes {
  readonly limits: RecordLimits;
  readonly isForced: boolean;
  readonly isMasked: boolean;
}

/**
 * Loads the programs. The file is made before that: what is wrong with it is said at once.
 * @throws ConfigError, RecordingError in one sentence
 * @throws UnsupportedError, NativeError when the machine cannot
 */
export function openSession(path: string, wishes: RecordWishes): RecordSession {
  const { limits, isForced, isMasked } = wishes;
  const settings = loadConfig({ argv: [], env: process.env, readFile: readTextFile });
  const config = recordedSettings(settings, isMasked);
  const hierarchies = findCgroupHierarchies('/proc');
  const options = recordedKernelOptions(config, hierarchies);
  checkSupport(options);
  const writer = new RecordingWriter(path, { isForced, maxBytes: limits.bytes });
  try {
    const source = KernelSource.start(options);
    source.askRecords(1 << VIEWED_RECORD.VIEWED_LIVE);
    return new RecordSession({ path, writer, source, config, limits, isMasked });
  } catch (error) {
    writer.close();
    throw error;
  }
}

interface RecordParts {
  readonly path: string;
  readonly writer: RecordingWriter;
  readonly source: KernelSource;
  readonly config: AppConfig;
  readonly limits: RecordLimits;
  readonly isMasked: boolean;
}

/** The agent's own pipeline, which exports nothing: what it asks for, and gets, is what is recorded. */
export class RecordSession {
  readonly #parts: RecordParts;
  readonly #recorder: Recorder;
  readonly #pipeline: Pipeline;

  constructor(parts: RecordParts) {
    this.#parts = parts;
    const { writer, source, config, isMasked } = parts;
    const machine = createMachine(monotonicToRealtime);
    const { attached, missing } = source.plan;
    writer.begin({
      wirespan: VERSION,
      startedMs: Date.now(),
      kernel: release(),
      bootId: machine.bootId(),
      architecture: process.arch,
      layouts: LAYOUTS,
      probes: { attached, missing },
      subnets: config.subnets.map(({ text }) => text),
      areAddressesMasked: isMasked,
      hasLive: true,
    });
    const mask = isMasked ? new AddressMask() : undefined;
    this.#recorder = new Recorder(writer, mask, () => process.hrtime.bigint());
    this.#recorder.step('start');
    this.#pipeline = new Pipeline(
      new TapedKernel(this.#recorder, source),
      config,
      NOBODY,
      new TapedMachine(this.#recorder, machine),
    );
    keepPrivileges();
  }

  /** Says what was recorded. */
  async run(signals: Pick<StopSignals, 'stopped'>): Promise<string> {
    const { writer, source, limits } = this.#parts;
    const stop = new AbortController();
    void signals.stopped.then(() => stop.abort());
    const endMs = performance.now() + limits.seconds * 1000;
    const due = {
      tick: new Due(TICK_MS),
      sweep: new Due(SWEEP_MS),
      collect: new Due(limits.intervalMs),
      flush: new Due(FLUSH_MS),
    };
    let drainMs = BUSY_DRAIN_MS;
    const isOver = (): boolean => stop.signal.aborted || writer.isFull || performance.now() >= endMs;
    while (!isOver()) {
      const bytes = this.#do('drain', () => this.#pipeline.drain());
      drainMs = bytes > 0 ? BUSY_DRAIN_MS : Math.min(IDLE_DRAIN_MS, drainMs * 2);
      if (due.tick.isNow()) this.#do('tick', () => this.#pipeline.tick());
      if (due.sweep.isNow()) this.#do('sweep', () => this.#pipeline.sweepEnded());
      if (due.collect.isNow()) await this.#collect('collect');
      if (due.flush.isNow()) writer.flush();
      await sleep(drainMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
    const reason = writer.isFull ? 'size' : stop.signal.aborted ? 'asked' : 'time';
    source.detach();
    await this.#collect('stop');
    const { decoded } = this.#pipeline.decoded;
    writer.end({ reason, seen: decoded, lost: lostRecords(source.losses()) });
    return `${this.#parts.path} has ${String(writer.written)} bytes of ${String(decoded)} records and the sums${REASONS[reason]}`;
  }

  #do<T>(name: StepName, work: () => T): T {
    this.#recorder.step(name);
    return work();
  }

  async #collect(name: 'collect' | 'stop'): Promise<void> {
    const { clock, exemplars } = this.#pipeline;
    this.#recorder.step(name);
    if (name === 'stop') this.#pipeline.stop();
    this.#pipeline.collect();
    await exemplars.metrics.collect(clock.toUnixNs(clock.now()));
  }

  close(): void {
    this.#parts.source.close();
  }
}

const REASONS = { asked: '', time: '', size: '; it ended since it may have no more' } as const;

/** Something that is done again and again. */
class Due {
  readonly #everyMs: number;
  #nextMs: number;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
    this.#nextMs = performance.now() + everyMs;
  }

  /** True once each time. */
  isNow(): boolean {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = Math.max(this.#nextMs + this.#everyMs, nowMs);
    return true;
  }
}
