import { HELP, namesOf, VERSION, type Command, type CommandOption } from './command-table.ts';

const STEP = '  ';

function words(options: readonly CommandOption[]): string {
  return options.flatMap(namesOf).join(' ');
}

/** What completes the value of the option before the cursor: choices, files, or nothing. */
function valueCases(options: readonly CommandOption[]): string[] {
  const byAction = new Map<string, string[]>();
  for (const option of options)
    if (option.value !== undefined) {
      const { choices, isFile = false } = option;
      const action = choices === undefined ? (isFile ? 'files=1' : ':') : `choices='${choices.join(' ')}'`;
      byAction.set(action, [...(byAction.get(action) ?? []), ...namesOf(option)]);
    }
  return [...byAction].map(([action, names]) => `${names.join('|')}) valued=1; ${action} ;;`);
}

/** `run` and `check-config` have the same options. */
function commandCases(commands: readonly Command[]): string[] {
  const byOptions = new Map<readonly CommandOption[], Command[]>();
  for (const command of commands) {
    const key = command.options.length === 0 ? [] : command.options;
    byOptions.set(key, [...(byOptions.get(key) ?? []), command]);
  }
  return [...byOptions].flatMap(([options, of]) => [
    `${of.map(({ name }) => name).join('|')})`,
    `${STEP}words='${[...(of[0]?.words ?? []), words(options)].join(' ').trim()}'`,
    `${STEP}case $before in`,
    ...valueCases(options).map((text) => `${STEP}${text}`),
    `${STEP}esac ;;`,
  ]);
}

/** A script for bash 4 and later, without bash-completion. */
export function bashCompletion(commands: readonly Command[]): string {
  const first = [...commands.map(({ name }) => name), words([HELP, VERSION])].join(' ');
  return `# Completion of wirespan for bash: source <(wirespan completion bash)
_wirespan() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words='' choices='' files='' valued=''
  COMPREPLY=()
  # bash takes --option=value apart.
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $before == '=' ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${first}' -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${commandCases(commands)
  .map((text) => `${STEP}${text}`)
  .join('\n')}
  esac
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
  elif [[ -n $valued ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -o default -F _wirespan wirespan
`;
}
