/**
 * `npm run demo [-- --once | --picture]`: sets the stage, shows a request that lost a segment, and goes on until it is ended; with
 * `--once` it ends by itself, with `--picture` when it has taken the pictures of the documents. Whatever happens, all that it started ends
 * with it.
 */
import { Cleanup } from '../test/support/cleanup.ts';
import { hasPage, takePictures } from './picture.ts';
import { setStage } from './stage.ts';
import { goOn, showLosses, type StoryOptions } from './story.ts';

const OPTIONS = ['--once', '--picture'];
/** Columns where the output is no terminal: the README has it like that. */
const COLUMNS = 100;

const args = process.argv.slice(2);
const isTerminal = process.stdout.isTTY;
const end = new AbortController();
const say = (line: string): void => console.log(line);
const options: StoryOptions = {
  signal: end.signal,
  say,
  tree: { columns: isTerminal ? process.stdout.columns : COLUMNS, hasColour: isTerminal },
};
const cleanup = new Cleanup();

async function play(): Promise<void> {
  const began = Date.now();
  say('Three Node services with the stock OpenTelemetry SDK and wirespan/hook, and what they need:\n');
  const pageFolder = process.env['WIRESPAN_TEST_JAEGER_PAGE'];
  const stage = await setStage(cleanup, { ...options, pageFolder });
  say(`\nAll of it runs, after ${((Date.now() - began) / 1_000).toFixed(0)} s.`);
  const traces = await showLosses(stage, options);
  if (args.includes('--picture')) say(await takePictures(stage.ports.jaeger, traces, end.signal));
  if (args.length > 0) return;
  await sayPage(stage.ports.jaeger, traces.lost.traceId);
  say('Requests go on, and one segment in ten is lost. Ctrl-C ends everything. Slow ones:');
  await goOn(stage, options);
}

async function playAndClean(): Promise<void> {
  try {
    await play();
  } catch (error) {
    // Whoever is waited for fails when the demo is ended.
    if (!end.signal.aborted) fail((error as Error).message);
  } finally {
    say('\nEnding all of it.');
    await cleanup.run();
  }
}

function fail(message: string): void {
  process.exitCode = 1;
  console.error(`wirespan: ${message}`);
}

async function sayPage(port: number, traceId: string): Promise<void> {
  const address = `http://localhost:${port}`;
  say(`\nJaeger: ${address}/trace/${traceId}`);
  if (!(await hasPage(port)))
    say(`  This build of it has no page, only its API: ${address}/api/traces/${traceId} (docs/demo.md)`);
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => end.abort());
const unknown = args.find((arg) => !OPTIONS.includes(arg));
if (unknown === undefined) await playAndClean();
else fail(`there is no '${unknown}'; there is ${OPTIONS.join(' and ')}`);
