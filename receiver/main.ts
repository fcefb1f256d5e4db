import { ConfigError, configOf, dumpConfig, loadConfig, readCheckedSettings } from '../config/index.ts';
import { NativeError } from '../native/index.ts';
import { readTextFile } from '../text/index.ts';
import { EndpointError } from './export/endpoint-error.ts';
import { parseArguments } from './cli/args.ts';
import { readVersion, renderHelp } from './cli/help.ts';
import { memoryBound, renderMemoryBound } from './memory-bound.ts';
import { runAgent } from './run.ts';
import { EXIT_UNSUPPORTED, UnsupportedError } from './support.ts';

async function main(argv: readonly string[]): Promise<number> {
  const { command, flags } = parseArguments(argv);
  if (command === 'help') return print(renderHelp());
  if (command === 'version') return print(readVersion());
  const sources = {
    argv: flags,
    env: process.env,
    readFile: readTextFile,
    isTerminal: process.stdout.isTTY,
  };
  if (command === 'check-config')
    return print(dumpConfig(sources) + renderMemoryBound(memoryBound(loadConfig(sources))));
  await runAgent(() => {
    const settings = readCheckedSettings(sources);
    return { config: configOf(settings, sources.isTerminal), values: settings.values };
  });
  return 0;
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return 0;
}

/** A user's mistake is a sentence; only a defect of ours shows a stack. */
function explain(error: unknown): number {
  if (error instanceof ConfigError || error instanceof EndpointError || error instanceof UnsupportedError) {
    process.stderr.write(`wirespan: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof NativeError) {
    process.stderr.write(`wirespan: ${error.message}\n`);
    return EXIT_UNSUPPORTED;
  }
  process.stderr.write(
    `wirespan: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}

// The process ends by itself only when nothing is open; a drained agent must not wait for that.
process.exit(await main(process.argv.slice(2)).catch(explain));
