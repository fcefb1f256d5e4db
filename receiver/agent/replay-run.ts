import { ConfigError, nearestHint } from '../../config/index.ts';
import { outsideText } from '../../text/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { Player } from '../recording/player.ts';
import { renderCommandHelp } from '../views/help.ts';
import { VIEWS } from '../views/index.ts';
import { REPLAY_OPTIONS, SPEEDS } from './replay-options.ts';
import { Pace } from './replay-pace.ts';
import { openRecording } from './open-recording.ts';
import { replayExport } from './replay-export.ts';
import { replayView } from './replay-view.ts';
import type { StopSignals } from './stop-signals.ts';

/** Not all of the file was used. */
const EXIT_DAMAGED = 1;
/** What the command line asks for, by its own words. */
interface ReplayArguments {
  readonly file: string;
  readonly speed: (typeof SPEEDS)[number];
  /** What follows the file and `--speed`. */
  readonly rest: readonly string[];
}

/**
 * Does once more what a recording holds; the exit status.
 * @throws ConfigError, RecordingError in one sentence
 */
export async function runReplay(
  argv: readonly string[],
  signals: StopSignals,
  outputs: Outputs,
): Promise<number> {
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === '-h') {
    outputs.stdout.write(replayHelp());
    await outputs.stdout.drain();
    return 0;
  }
  const { file, speed, rest } = parseReplay(argv);
  const reader = openRecording(file);
  try {
    const [word, ...words] = rest;
    const view = VIEWS.find(({ name }) => name === word);
    // A person looks at a screen as it was.
    const pace = new Pace(speed === 'recorded' || view?.isScreen === true, signals);
    const parts = { reader, player: new Player(reader), pace };
    if (view === undefined) checkWord(word);
    const status = await (view === undefined
      ? replayExport({ ...parts, argv: rest }, outputs)
      : replayView({ ...parts, view, argv: words }, outputs));
    if (reader.problem === undefined) return status;
    outputs.stderr.write(`wirespan replay: ${reader.problem}\n`);
    return EXIT_DAMAGED;
  } finally {
    reader.close();
  }
}

/** What is no view are settings of the agent, as flags. */
function checkWord(word: string | undefined): void {
  if (word === undefined || word.startsWith('-')) return;
  const views = VIEWS.map(({ name }) => name);
  throw new ConfigError([
    {
      subject: `wirespan replay: ${outsideText(word)}`,
      problem: `is no view; views are ${views.join(', ')}${nearestHint(word, views)}`,
    },
  ]);
}

function parseReplay(argv: readonly string[]): ReplayArguments {
  const fail = (problem: string): never => {
    throw new ConfigError([{ subject: 'wirespan replay', problem }]);
  };
  const [file = '', ...rest] = argv;
  if (file.startsWith('-')) return fail('needs the file first: wirespan replay case.wirespan tcplife');
  let speed: string = SPEEDS[0];
  for (let match = speedOf(rest); match !== undefined; match = speedOf(rest)) {
    speed = match.speed;
    rest.splice(match.at, match.length);
  }
  const known = SPEEDS.find((each) => each === speed);
  if (known === undefined) return fail(`--speed is one of ${SPEEDS.join(' and ')}`);
  return { file, speed: known, rest };
}

/** Where `--speed SPEED` or `--speed=SPEED` stands. */
function speedOf(words: readonly string[]): { speed: string; at: number; length: number } | undefined {
  const at = words.findIndex((word) => word === '--speed' || word.startsWith('--speed='));
  if (at < 0) return undefined;
  const [, value] = (words[at] ?? '').split('=', 2);
  return value === undefined
    ? { speed: words[at + 1] ?? '', at, length: 2 }
    : { speed: value, at, length: 1 };
}

function replayHelp(): string {
  return renderCommandHelp({
    name: 'replay FILE [VIEW [options] | settings]',
    summary: 'does once more what wirespan record wrote',
    options: REPLAY_OPTIONS,
    example: ['wirespan replay case.wirespan tcplife -T', 'what tcplife would have printed'],
    closing:
      'Without a view it sends by OTLP what the agent would have sent with these settings (--otlp.endpoint …). It needs no privilege. What a recording holds: docs/recordings.md',
  });
}
