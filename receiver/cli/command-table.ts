import { SCHEMA } from '../../config/index.ts';

/** An option as completion and the manual know it. */
export interface CommandOption {
  /** Without the dashes. */
  readonly long: string;
  /** One letter. */
  readonly short?: string;
  /** What its value is called; absent: it takes none. */
  readonly value?: string;
  /** The only values. */
  readonly choices?: readonly string[];
  /** Its value is the path of a file. */
  readonly isFile?: boolean;
  readonly help: string;
}

export interface Command {
  readonly name: string;
  /** One sentence without its end. */
  readonly summary: string;
  readonly options: readonly CommandOption[];
  /** A command line, and what it is for. */
  readonly example: readonly [command: string, meaning: string];
  /** What may follow it without dashes, of a fixed set. */
  readonly words?: readonly string[];
  /** What follows its name in the synopsis; absent: options. */
  readonly usage?: string;
}

/** A command with options of its own. */
export type ViewCommand = Omit<Command, 'words'>;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export const HELP: CommandOption = { long: 'help', short: 'h', help: 'what it does' };
export const VERSION: CommandOption = { long: 'version', short: 'V', help: 'the version' };

const JSON_OUTPUT: CommandOption = { long: 'json', help: 'one object, for programs' };

const PATH = 'path';

/** Every setting is a flag. */
function settingOptions(): readonly CommandOption[] {
  const settings = [...SCHEMA].map(([key, { doc, format }]): CommandOption => {
    const { choices, expects } = format;
    const help = doc.replaceAll('`', '').replace(/\.$/, '');
    const isFile = expects === PATH;
    const value = isFile ? 'PATH' : 'VALUE';
    return { long: key, value, help, ...(choices !== undefined && { choices }), ...(isFile && { isFile }) };
  });
  const file: CommandOption = {
    long: 'config',
    value: 'FILE',
    isFile: true,
    help: 'a YAML file of settings',
  };
  return [file, ...settings, HELP];
}

/** What is about the command itself. */
const ABOUT: readonly Command[] = [
  {
    name: 'completion',
    summary: 'prints a script that completes these commands and their options',
    options: [],
    words: SHELLS,
    usage: SHELLS.join('|'),
    example: ['source <(wirespan completion bash)', 'in this shell'],
  },
  {
    name: 'manual',
    summary: 'prints this manual page as man reads it',
    options: [],
    usage: '',
    example: ['wirespan manual | man -l -', 'shows it'],
  },
];

/** All commands, by what they are: the agent's, then those with options of their own, then what is about the command itself. */
export function commandTable(views: readonly ViewCommand[]): readonly Command[] {
  const settings = settingOptions();
  return [
    {
      name: 'run',
      summary: 'observes this host and sends what it sees, until SIGTERM or Ctrl-C',
      options: settings,
      usage: '[flags]',
      example: ['wirespan run --otlp.endpoint http://127.0.0.1:4318', 'to a collector here'],
    },
    {
      name: 'check-config',
      summary: 'checks the settings and prints them, secrets masked',
      options: settings,
      usage: '[flags]',
      example: ['wirespan check-config --config wirespan.yaml', 'what a file and the environment make'],
    },
    {
      name: 'doctor',
      summary:
        'loads and attaches everything, sends one metric, says what works here and what to do, and leaves nothing',
      options: [JSON_OUTPUT, ...settings],
      usage: '[--json] [flags]',
      example: ['wirespan doctor --otlp.endpoint http://collector:4317', 'before it is rolled out'],
    },
    {
      name: 'status',
      summary: 'asks the agent that runs here how it is, at the address of health.listen',
      options: [JSON_OUTPUT, ...settings],
      usage: '[--json] [flags]',
      example: [
        'wirespan status --health.listen 127.0.0.1:9464',
        'of an agent that was started with the same',
      ],
    },
    ...views,
    ...ABOUT,
  ];
}

/** As they are typed: `-L` and `--localport`. */
export function namesOf({ long, short }: CommandOption): readonly string[] {
  return short === undefined ? [`--${long}`] : [`-${short}`, `--${long}`];
}
