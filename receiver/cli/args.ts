import { ConfigError, nearest } from '../../config/index.ts';

const COMMANDS = ['run', 'check-config'] as const;

/** What the command line asks for. */
export interface Arguments {
  readonly command: (typeof COMMANDS)[number] | 'help' | 'version';
  /** The flags as given, for `loadConfig({ argv })`. */
  readonly flags: readonly string[];
}

function takesNext(flag: string, next: string | undefined): boolean {
  return !flag.includes('=') && next !== undefined && !next.startsWith('--');
}

function commandOf(words: readonly string[], hasFlags: boolean): Arguments['command'] {
  const [word, extra] = words;
  // Neither word is repeated: it may be a value that slipped, such as the second half of a header.
  if (word === undefined) {
    if (!hasFlags) return 'help';
    throw new ConfigError([
      { subject: 'command line', problem: `has no command; use ${COMMANDS.join(' or ')}` },
    ]);
  }
  const command = COMMANDS.find((name) => name === word) ?? (word === 'help' ? 'help' : undefined);
  if (command === undefined) {
    const problem = `has a word that is no command; the nearest is ${nearest(word, COMMANDS) ?? 'run'}`;
    throw new ConfigError([{ subject: 'command line', problem }]);
  }
  if (extra !== undefined) {
    throw new ConfigError([
      {
        subject: 'command line',
        problem: `has one word too many after ${word}; flags are --key.path value, and a value with spaces is quoted`,
      },
    ]);
  }
  return command;
}

/**
 * Splits `wirespan <command> [flags]`; `--help` and `--version` win over all else.
 * Flags are checked by `loadConfig`, which knows them.
 * @param argv what follows the program's name
 * @throws ConfigError for a command that does not exist
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const words: string[] = [];
  const flags: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (argument === '--help' || argument === '-h') return { command: 'help', flags: [] };
    if (argument === '--version' || argument === '-V') return { command: 'version', flags: [] };
    if (!argument.startsWith('-')) {
      words.push(argument);
      continue;
    }
    flags.push(argument);
    const next = argv[i + 1];
    if (next !== undefined && argument.startsWith('--') && takesNext(argument, next)) {
      flags.push(next);
      i++;
    }
  }
  return { command: commandOf(words, flags.length > 0), flags };
}
