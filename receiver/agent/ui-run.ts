import { createRequire } from 'node:module';
import { readTextFile } from '../../text/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { FeedReadError } from '../feed/errors.ts';
import type { UiModel } from '../ui/model.ts';
import { startUiServer } from '../ui/server.ts';
import type { UiSource } from '../ui/source.ts';
import { uiView } from '../ui/view.ts';
import { parseViewArguments, type ViewArguments } from '../views/options.ts';
import type { View } from '../views/view.ts';
import { FedView, openFeed, type OpenFeed } from './fed-view.ts';
import { feedPlace } from './feed-place.ts';
import { openRecording } from './open-recording.ts';
import type { StopSignals } from './stop-signals.ts';
import { agentHealth } from './ui-health.ts';
import { UI_OPTIONS, uiHelp, uiWishesOf } from './ui-options.ts';
import { readForUi } from './ui-replay.ts';
import { watch } from './view-run.ts';

/** Not all that was recorded is shown. */
const EXIT_FAILED = 1;
/** What every view says first. */
const BEGINS = 'watches';
const MORPH = 'idiomorph/dist/idiomorph.esm.js';

/** What the pages are made of, and what is to be known of it, which may be said before it is there. */
class Shown {
  model: UiModel | undefined;
  readonly #stderr: Outputs['stderr'];
  #early: readonly string[] = [];

  constructor({ stderr }: Outputs) {
    this.#stderr = stderr;
  }

  readonly begin = (model: UiModel): void => {
    this.model = model;
    for (const words of this.#early) model.say(words);
  };

  /** Words of what is missing. */
  readonly say = (words: string): void => {
    if (this.model === undefined) this.#early = [...this.#early, words];
    else this.model.say(words);
    this.tell(words);
  };

  /** Words for who started it. */
  readonly tell = (words: string): void => void this.#stderr.write(`wirespan ui: ${words}\n`);
}

/**
 * Serves pages until a signal ends it; the exit status.
 * @throws ConfigError, RecordingError, ListenError, FeedReadError in one sentence
 * @throws UnsupportedError, NativeError when the machine cannot
 */
export async function runUi(
  argv: readonly string[],
  signals: StopSignals,
  outputs: Outputs,
): Promise<number> {
  const args = parseViewArguments('ui', UI_OPTIONS, argv, ['from']);
  if (args.has('help')) {
    outputs.stdout.write(uiHelp());
    await outputs.stdout.drain();
    return 0;
  }
  const { address, traceUrl, from } = uiWishesOf(args);
  const shown = new Shown(outputs);
  const server = await startUiServer({
    ...{ address, traceUrl, health: agentHealth(), model: () => shown.model },
    morph: readTextFile(createRequire(import.meta.url).resolve(MORPH)),
    onError: (error) => shown.tell(`a page could not be made: ${String(error)}`),
  });
  try {
    const fill = { args, shown, outputs, url: server.url };
    return await (from === undefined ? showLive(fill, signals) : showRecording(from, fill, signals));
  } finally {
    server.close();
  }
}

/** What all sources have. */
interface Fill {
  readonly args: ViewArguments;
  readonly shown: Shown;
  readonly outputs: Outputs;
  /** Where the pages are. */
  readonly url: string;
}

async function showRecording(path: string, fill: Fill, signals: StopSignals): Promise<number> {
  const { args, shown, outputs, url } = fill;
  const reader = openRecording(path);
  try {
    outputs.stdout.write(`${url}\n`);
    await readForUi({ reader, path, args }, signals, shown.begin);
    if (signals.isStopping) return 0;
    shown.tell(reader.problem ?? `${path} was read; Ctrl-C ends it`);
    await signals.stopped;
    return reader.problem === undefined ? 0 : EXIT_FAILED;
  } finally {
    reader.close();
  }
}

async function showLive(fill: Fill, signals: StopSignals): Promise<number> {
  const { args, outputs } = fill;
  const own = filling({ kind: 'own', hasLive: true, words: 'programs that this command loaded' }, fill);
  const feed = await feedFor(own, fill);
  if (feed === undefined) return await watch(own, args, { outputs }, signals);
  const view = filling({ kind: 'agent', hasLive: true, words: `the agent at ${feed.path}` }, fill);
  return await new FedView({ ...feed, view, args, outputs, screen: undefined }).run(signals);
}

/** The pages as a view that tells its model. */
function filling(source: UiSource, { shown, url }: Fill): View {
  const say = (words: string): void => (words.startsWith(BEGINS) ? shown.tell(words) : shown.say(words));
  return uiView({ source, header: url, begin: shown.begin, say });
}

/** One that was named and does not know of all traces has the rest; another one is left alone then. */
async function feedFor(view: View, { args, shown: { say } }: Fill): Promise<OpenFeed | undefined> {
  const place = feedPlace(view, args);
  if (place === undefined) return undefined;
  try {
    return await openFeed(view, args, place, say);
  } catch (error) {
    if (!(error instanceof FeedReadError) || error.isAbsent) throw error;
    const untraced: View = { ...view, needs: (given) => ({ ...view.needs(given), traces: false }) };
    const feed = await openFeed(untraced, args, place, say);
    say(`${error.message}: requests are shown whose traces it knows`);
    return feed;
  }
}
