import { HELP, VERSION, type Command, type CommandOption } from './command-table.ts';

/** A text between single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What stands in brackets of a spec of `_arguments`. */
function description(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, (mark) => `\\${mark}`);
}

function action({ value, choices, isFile = false }: CommandOption): string {
  if (value === undefined) return '';
  if (choices !== undefined) return `:${value}:(${choices.join(' ')})`;
  return isFile ? `:${value}:_files` : `:${value}: `;
}

/** One spec of `_arguments` a name; `=` after a long one: its value may follow that. */
function specs(option: CommandOption): string[] {
  const { long, short, value, help } = option;
  const rest = `[${description(help)}]${action(option)}`;
  const longName = `--${long}${value === undefined ? '' : '='}`;
  if (short === undefined) return [quoted(`${longName}${rest}`)];
  const both = `(-${short} --${long})`;
  return [
    quoted(`${both}-${short}${value === undefined ? '' : '+'}${rest}`),
    quoted(`${both}${longName}${rest}`),
  ];
}

function commandCase({ name, options, words }: Command): string[] {
  const first = words === undefined ? [] : [quoted(`1:word:(${words.join(' ')})`)];
  return [
    `${name})`,
    `  _arguments -s ${[...first, ...options.flatMap(specs)].join(' \\\n      ')} '*: : ' ;;`,
  ];
}

/** A script for a file `_wirespan` in a folder of `fpath`, or to be sourced after `compinit`. */
export function zshCompletion(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => quoted(`${name}:${description(summary)}`));
  return `#compdef wirespan
# Completion of wirespan for zsh: source <(wirespan completion zsh)
_wirespan() {
  local -a commands
  commands=(
    ${described.join('\n    ')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    _arguments ${[HELP, VERSION].flatMap(specs).join(' ')}
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${commands
  .flatMap(commandCase)
  .map((text) => `  ${text}`)
  .join('\n')}
  esac
}
compdef _wirespan wirespan
`;
}
