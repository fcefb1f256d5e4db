import { ConfigError } from '../../config/index.ts';
import { commandTable, type Command, type ViewCommand } from '../cli/command-table.ts';
import { renderCompletion } from '../cli/completion.ts';
import { readVersion } from '../cli/version.ts';
import { renderManual } from '../cli/manual.ts';
import { optionsOf } from '../views/help.ts';
import { VIEWS } from '../views/index.ts';
import { RECORD_OPTIONS } from './record-options.ts';
import { REPLAY_OPTIONS, SPEEDS } from './replay-options.ts';
import { REPORT_OPTIONS } from './report-options.ts';
import { UI_OPTIONS } from './ui-options.ts';

/** Options of files complete to files of any name, as every word does where nothing else fits. */
const OF_FILES: readonly ViewCommand[] = [
  {
    name: 'record',
    summary: 'writes what this host shows to a file',
    options: RECORD_OPTIONS,
    usage: 'FILE [options]',
    example: ['wirespan record case.wirespan --for 60s', 'a minute'],
  },
  {
    name: 'replay',
    summary: 'does once more what wirespan record wrote: sends it by OTLP, or shows it as a view',
    options: REPLAY_OPTIONS.map((option) =>
      option.long === 'speed' ? { ...option, choices: SPEEDS } : option,
    ),
    usage: 'FILE [VIEW [options] | flags]',
    example: ['wirespan replay case.wirespan tcplife -T', 'what tcplife would have printed'],
  },
  {
    name: 'report',
    summary: 'writes a page that shows what hurt: of a recording, or of what happens now',
    options: REPORT_OPTIONS,
    usage: 'FILE.html [options]',
    example: ['wirespan report case.html --from case.wirespan', 'of what wirespan record wrote'],
  },
  {
    name: 'ui',
    summary: 'shows connections, who talks to whom, hurt requests and queues in a browser on this machine',
    options: UI_OPTIONS,
    usage: '[RECORDING] [options]',
    example: ['wirespan ui', 'prints the address to open'],
  },
];

/** Every command with its options, those of views from their own tables. */
export function allCommands(): readonly Command[] {
  const views = VIEWS.map((view): ViewCommand => {
    const { name, summary, example } = view;
    return { name, summary, example, options: optionsOf(view) };
  });
  return commandTable([...OF_FILES, ...views]);
}

/**
 * What `wirespan completion` and `wirespan manual` print. `argv`: what follows that word.
 * @throws ConfigError for words that they do not take
 */
export function renderAbout(name: 'completion' | 'manual', argv: readonly string[]): string {
  if (name === 'completion') return renderCompletion(argv, allCommands());
  if (argv.length > 0)
    throw new ConfigError([
      { subject: 'wirespan manual', problem: 'takes nothing: it prints the whole page' },
    ]);
  return renderManual(allCommands(), readVersion());
}
