import { HELP, VERSION, type Command, type CommandOption } from './command-table.ts';

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function optionLine(
  condition: string,
  { long, short, value, choices, isFile = false, help }: CommandOption,
): string {
  return [
    `complete -c wirespan -n ${quoted(condition)}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    `-l ${long}`,
    ...(value === undefined ? [] : [isFile ? '-r -F' : '-x']),
    ...(choices === undefined ? [] : [`-a ${quoted(choices.join(' '))}`]),
    `-d ${quoted(help)}`,
  ].join(' ');
}

function commandLines({ name, summary, options, words }: Command): string[] {
  const isIt = `__fish_seen_subcommand_from ${name}`;
  return [
    `complete -c wirespan -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...(words === undefined ? [] : [`complete -c wirespan -n ${quoted(isIt)} -a ${quoted(words.join(' '))}`]),
    ...options.map((option) => optionLine(isIt, option)),
  ];
}

/** A script for a file `wirespan.fish` in a folder of `fish_complete_path`, or to be sourced. */
export function fishCompletion(commands: readonly Command[]): string {
  return `${[
    '# Completion of wirespan for fish: wirespan completion fish | source',
    'complete -c wirespan -f',
    ...[HELP, VERSION].map((option) => optionLine('__fish_use_subcommand', option)),
    ...commands.flatMap(commandLines),
  ].join('\n')}\n`;
}
