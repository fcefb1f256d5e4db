import type { Command, CommandOption } from './command-table.ts';

/** A text as roff takes it: nothing in it is a request, and its dashes can be copied. */
function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`;
}

function optionLines({ long, short, value, choices, help }: CommandOption): string[] {
  const names = [...(short === undefined ? [] : [`-${short}`]), `--${long}`].map(bold).join(', ');
  const what = choices === undefined ? (value ?? '') : choices.join('|');
  return ['.TP', `${names}${what === '' ? '' : ` \\fI${roff(what)}\\fR`}`, roff(help)];
}

function exampleLines({ example: [command, meaning] }: Command): string[] {
  return ['.PP', `Example, ${roff(meaning)}:`, '.PP', '.nf', `.RS`, roff(command), '.RE', '.fi'];
}

function commandLines(command: Command): string[] {
  const { name, summary, options, usage = '[options]' } = command;
  return [
    `.SS "wirespan ${name}${usage === '' ? '' : ` ${usage}`}"`,
    `${roff(summary.replace(/^./, (letter) => letter.toUpperCase()))}.`,
    ...exampleLines(command),
    ...options.flatMap(optionLines),
  ];
}

const EXIT = [
  ['0', 'It ended as asked.'],
  ['1', 'It failed.'],
  ['2', 'Settings or options cannot be used; one sentence on standard error says which.'],
  ['3', 'The machine lacks a privilege, or what the programs need of the kernel.'],
] as const;

/** The manual page, section 1; ends with a newline. `run` and `check-config` have the same flags, shown once. */
export function renderManual(commands: readonly Command[], version: string): string {
  const settings = commands.find(({ name }) => name === 'run')?.options ?? [];
  const withoutSettings = commands.map((command) =>
    command.options === settings ? { ...command, options: [] } : command,
  );
  return `${[
    `.TH WIRESPAN 1 "" "wirespan ${roff(version)}" "User Commands"`,
    '.SH NAME',
    'wirespan \\- TCP in your traces, and the tools of BCC for TCP on a terminal',
    '.SH SYNOPSIS',
    ...commands.flatMap(({ name, usage = '[options]' }, i) => [
      ...(i === 0 ? [] : ['.br']),
      `${bold(`wirespan ${name}`)}${usage === '' ? '' : ` ${roff(usage)}`}`,
    ]),
    '.SH DESCRIPTION',
    'wirespan observes TCP in the kernel. As an agent (run) it sends metrics, spans and events to an OpenTelemetry collector; as a view it',
    'prints one kind of event, or sums, as they come. It needs root, or the capabilities that docs/compatibility.md names.',
    '.SH COMMANDS',
    ...withoutSettings.flatMap(commandLines),
    '.SH SETTINGS',
    'Each is a flag of run and check\\-config, an environment variable (WIRESPAN_KEY_PATH) and a key of the YAML file. Flags win over the',
    'environment, the environment over the file.',
    ...settings.flatMap(optionLines),
    '.SH EXIT STATUS',
    ...EXIT.flatMap(([status, meaning]) => ['.TP', bold(status), meaning]),
  ].join('\n')}\n`;
}
