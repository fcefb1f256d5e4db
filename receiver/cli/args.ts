import { ConfigError, flagProblem, nearestHint, type ConfigProblem } from '../../config/index.ts';

const COMMANDS = ['run', 'check-config'] as const;
/** They stand first. */
const ABOUT = ['completion', 'manual', 'doctor', 'status'];

/** What the command line asks for. */
export interface Arguments {
  readonly command: (typeof COMMANDS)[number] | 'help' | 'version';
  /** The flags as given, for `loadConfig({ argv })`. */
  readonly flags: readonly string[];
}

/** A word that is no flag and no flag's value, and where it stands among the arguments, from 1. */
interface Word {
  readonly text: string;
  readonly position: number;
}

function fail(subject: string, problem: string): never {
  throw new ConfigError([{ subject, problem }]);
}

function takesNext(flag: string, next: string | undefined): boolean {
  return !flag.includes('=') && next !== undefined && !next.startsWith('--');
}

/** Words are named by their place and not repeated: one may be a value that slipped, such as the second half of a header. */
function commandOf(
  [word, extra]: readonly Word[],
  hasFlags: boolean,
  views: readonly string[],
): Arguments['command'] {
  const choice = `commands are ${[...COMMANDS, ...ABOUT].join(', ')} and the views that --help lists`;
  if (word === undefined) return hasFlags ? fail('command line', `has no command; ${choice}`) : 'help';
  const { text, position } = word;
  if (ABOUT.includes(text)) fail(`argument ${String(position)}`, `stands first: wirespan ${text}`);
  const command = COMMANDS.find((name) => name === text) ?? (text === 'help' ? 'help' : undefined);
  if (command === undefined)
    fail(
      `argument ${String(position)}`,
      `is no command; ${choice}${nearestHint(text, [...COMMANDS, ...ABOUT, ...views])}`,
    );
  if (extra !== undefined)
    fail(
      `argument ${String(extra.position)}`,
      `is one word too many after ${command}; flags are --key.path value, and a value with spaces is quoted`,
    );
  return command;
}

/**
 * Splits `wirespan <command> [flags]`; `--help` and `--version` win over all else.
 * Flags are checked by `loadConfig`, which knows them.
 * @param argv what follows the program's name
 * @param views commands that have options of their own, for the hint
 * @throws ConfigError for a command that does not exist, and for a flag that can be none
 */
export function parseArguments(argv: readonly string[], views: readonly string[] = []): Arguments {
  const words: Word[] = [];
  const flags: string[] = [];
  const problems: ConfigProblem[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (argument === '--help' || argument === '-h') return { command: 'help', flags: [] };
    if (argument === '--version' || argument === '-V') return { command: 'version', flags: [] };
    if (!argument.startsWith('-')) {
      words.push({ text: argument, position: i + 1 });
      continue;
    }
    const problem = flagProblem(argument, i + 1);
    if (problem !== undefined) problems.push(problem);
    flags.push(argument);
    const next = argv[i + 1];
    if (next !== undefined && argument.startsWith('--') && takesNext(argument, next)) {
      flags.push(next);
      i++;
    }
  }
  // What follows such a flag may be its value and no command.
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    command: commandOf(words, flags.length > 0, views),
    flags,
  };
}
