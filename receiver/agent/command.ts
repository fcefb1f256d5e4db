import { ConfigError, configOf, readCheckedSettings } from '../../config/index.ts';
import { endWithin, NativeError, type NativeErrorCode } from '../../native/index.ts';
import { readTextFile } from '../../text/index.ts';
import { isForeground } from '../host/terminal.ts';
import { FeedError, FeedReadError } from '../feed/errors.ts';
import { EndpointError } from '../export/endpoint-error.ts';
import { parseArguments } from '../cli/args.ts';
import type { Output } from '../cli/output.ts';
import { createOutputs, leave, type Outputs } from '../cli/outputs.ts';
import type { LoadedSettings } from './reload-plan.ts';
import { missingModuleSentence } from './missing-module.ts';
import type { StopSignals } from './stop-signals.ts';
import { EXIT_UNSUPPORTED, UnsupportedError } from './support.ts';
import { RecordingError } from '../recording/error.ts';
import { findView, VIEW_NAMES } from '../views/find.ts';
import { ListenError } from '../serve/listen.ts';

/** What is still to be written has two seconds; that is all there is to wait for. */
const END_S = 5;
/** Exit status of what is neither the user's settings nor the machine. */
const EXIT_FAILED = 1;
/** What is not built, or not for this machine: no lack of the machine or of privileges. */
const UNBUILT: ReadonlySet<NativeErrorCode> = new Set(['ERR_NATIVE_MISSING', 'ERR_NATIVE_OPEN']);

/** Commands of recordings and pages, which have options of their own. */
const FILE_RUNS: Readonly<
  Record<string, (rest: readonly string[], signals: StopSignals, outputs: Outputs) => Promise<number>>
> = {
  record: async (...given) => (await import('./record-run.ts')).runRecord(...given),
  replay: async (...given) => (await import('./replay-run.ts')).runReplay(...given),
  report: async (...given) => (await import('./report-run.ts')).runReport(...given),
  ui: async (...given) => (await import('./ui-run.ts')).runUi(...given),
};

/** Commands that say something of this machine, with a status that says it to scripts. */
const ANSWERS: Readonly<
  Record<string, (rest: readonly string[]) => Promise<{ readonly text: string; readonly status: number }>>
> = {
  doctor: async (rest) => (await import('./doctor-run.ts')).diagnose(rest),
  status: async (rest) => (await import('./status-run.ts')).askStatus(rest),
};

/** Does what the command line asks for and ends the process: it would end by itself only when nothing is open. */
export async function runCommand(argv: readonly string[], signals: StopSignals): Promise<never> {
  const outputs = createOutputs(isForeground());
  const end = (status: number): Promise<never> => {
    endWithin(status, END_S);
    return leave(status, outputs);
  };
  const fail = (error: unknown): Promise<never> => end(explain(error, outputs.stderr));
  // Node's own words would wait for a reader.
  process.on('uncaughtException', (error) => void fail(error));
  try {
    return await end(await run(argv, signals, outputs));
  } catch (error) {
    return await fail(error);
  }
}

async function run(argv: readonly string[], signals: StopSignals, outputs: Outputs): Promise<number> {
  const [name, ...rest] = argv;
  const view = await findView(name);
  if (view !== undefined) {
    const { runView } = await import('./view-run.ts');
    return await runView(view, rest, signals, outputs);
  }
  const runFile = FILE_RUNS[name ?? ''];
  if (runFile !== undefined) return await runFile(rest, signals, outputs);
  const ask = ANSWERS[name ?? ''];
  if (ask !== undefined && !rest.some((word) => word === '--help' || word === '-h')) {
    signals.release();
    const { text, status } = await ask(rest);
    return (await print(text, outputs.stdout)) || status;
  }
  if (name === 'completion' || name === 'manual') {
    signals.release();
    const { renderAbout } = await import('./about.ts');
    return await print(renderAbout(name, rest), outputs.stdout);
  }
  const { command, flags } = parseArguments(argv, [...VIEW_NAMES, ...Object.keys(FILE_RUNS)]);
  // Only the agent has something to finish.
  if (command !== 'run') signals.release();
  if (command === 'help' || command === 'version') {
    const { readVersion } = await import('../cli/version.ts');
    const { renderHelp } = await import('../cli/help.ts');
    const { VIEWS } = await import('../views/index.ts');
    return await print(command === 'help' ? renderHelp(VIEWS) : readVersion(), outputs.stdout);
  }
  const sources = {
    argv: flags,
    env: process.env,
    readFile: readTextFile,
    isWatched: outputs.isWatched,
  };
  if (command === 'check-config') {
    const { renderCheckedConfig } = await import('./check-config.ts');
    return await print(renderCheckedConfig(sources), outputs.stdout);
  }
  const load = (): LoadedSettings => {
    const settings = readCheckedSettings(sources);
    return { config: configOf(settings, sources.isWatched), values: settings.values };
  };
  const { beginAgent } = await import('./begin.ts');
  return await beginAgent(load, signals, outputs);
}

/** Waits for whoever reads, as long as it takes. A reader that has enough is no failure, a full disk is. */
async function print(text: string, stdout: Output): Promise<number> {
  stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  await stdout.drain();
  if (stdout.failure === undefined || stdout.failure === 'EPIPE') return 0;
  throw new OutputError(`standard output takes nothing: ${stdout.failure}`);
}

/** An answer that could not be given. */
class OutputError extends Error {
  readonly exitCode = EXIT_FAILED;
}

/** Says why. A user's mistake is a sentence; only a defect of ours shows a stack. */
function explain(error: unknown, stderr: Output): number {
  const status = statusOf(error);
  const stack =
    error instanceof Error ? (status === undefined && error.stack) || error.message : String(error);
  const text = missingModuleSentence(error) ?? stack;
  stderr.write(`wirespan: ${text}\n`);
  return status ?? EXIT_FAILED;
}

/** The exit status for an error that is the user's or the machine's. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof ConfigError || error instanceof EndpointError) return error.exitCode;
  if (error instanceof ListenError || error instanceof RecordingError) return error.exitCode;
  if (error instanceof FeedError || error instanceof FeedReadError) return error.exitCode;
  if (error instanceof UnsupportedError || error instanceof OutputError) return error.exitCode;
  if (!(error instanceof NativeError)) return undefined;
  return UNBUILT.has(error.code) ? EXIT_FAILED : EXIT_UNSUPPORTED;
}
