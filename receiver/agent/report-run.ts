import { join } from 'node:path';
import { loadConfig } from '../../config/index.ts';
import { readTextFile } from '../../text/index.ts';
import { humanDuration } from '../cli/human.ts';
import type { Outputs } from '../cli/outputs.ts';
import { RecordingError } from '../recording/error.ts';
import { PrivateFile, ScratchFolder } from '../recording/private-file.ts';
import { Player } from '../recording/player.ts';
import { renderPage } from '../report/page/page.ts';
import { parseViewArguments, type ViewArguments } from '../views/options.ts';
import { openRecording } from './open-recording.ts';
import { recordLimitsOf } from './record-options.ts';
import { openSession } from './record-run.ts';
import { Pace } from './replay-pace.ts';
import { buildReport } from './report-build.ts';
import { REPORT_OPTIONS, reportHelp, reportWishesOf } from './report-options.ts';
import { reportedSettings } from './reported-settings.ts';
import type { StopSignals } from './stop-signals.ts';

/** The page has not all that was recorded, or there is none. */
const EXIT_FAILED = 1;
type Stops = Pick<StopSignals, 'isStopping' | 'stopped'>;
type Say = (words: string) => void;

/** What was recorded until a signal came is made a page: it is not stopped once more. */
const UNSTOPPED: Stops = { isStopping: false, stopped: new Promise(() => undefined) };

/**
 * Writes a page of a recording, or of what happens now; the exit status.
 * @throws ConfigError, RecordingError in one sentence
 * @throws UnsupportedError, NativeError when the machine cannot
 */
export async function runReport(argv: readonly string[], signals: Stops, outputs: Outputs): Promise<number> {
  const args = parseViewArguments('report', REPORT_OPTIONS, argv, ['file']);
  if (args.has('help')) {
    outputs.stdout.write(reportHelp());
    await outputs.stdout.drain();
    return 0;
  }
  const { file, from, isForced } = reportWishesOf(args);
  const say = (words: string): void => void outputs.stderr.write(`wirespan report: ${words}\n`);
  // What is wrong with either is said before it takes a minute.
  if (from !== undefined) openRecording(from).close();
  const page = new PrivateFile(file, isForced);
  try {
    const status =
      from === undefined
        ? await reportLive(page, args, signals, say)
        : await reportOf(from, page, signals, say);
    page.close();
    return status;
  } catch (error) {
    page.discard();
    throw error;
  }
}

/** Records for a while, then makes a page of that. */
async function reportLive(page: PrivateFile, args: ViewArguments, signals: Stops, say: Say): Promise<number> {
  const scratch = new ScratchFolder();
  try {
    const recording = join(scratch.path, 'recording');
    const limits = recordLimitsOf(args);
    const isMasked = args.has('mask-addresses');
    const session = openSession(recording, { limits, isMasked, isForced: false });
    try {
      say(`watches for ${String(limits.seconds)} s; Ctrl-C ends it, and what was seen until then is shown`);
      await session.run(signals);
    } finally {
      session.close();
    }
    return await reportOf(recording, page, UNSTOPPED, say);
  } finally {
    scratch.remove();
  }
}

async function reportOf(recording: string, page: PrivateFile, signals: Stops, say: Say): Promise<number> {
  const reader = openRecording(recording);
  try {
    const settings = loadConfig({ argv: [], env: process.env, readFile: readTextFile });
    const config = reportedSettings(settings, reader.meta.subnets);
    const source = { reader, player: new Player(reader), pace: new Pace(false, signals) };
    const report = await buildReport(source, config);
    if (report === undefined)
      throw new RecordingError(`a signal came: ${page.path} is not written`, EXIT_FAILED);
    page.write(Buffer.from(renderPage(report)));
    say(
      `${page.path} shows ${humanDuration(report.facts.seconds * 1e3)} with ${String(report.facts.records)} records`,
    );
    if (reader.problem === undefined) return 0;
    say(reader.problem);
    return EXIT_FAILED;
  } finally {
    reader.close();
  }
}
