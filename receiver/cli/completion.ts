import { ConfigError, nearestHint } from '../../config/index.ts';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';
import { SHELLS, type Command, type Shell } from './command-table.ts';

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/**
 * The script that a shell reads; ends with a newline.
 * @param argv what follows `completion`
 * @throws ConfigError for anything but one shell
 */
export function renderCompletion(argv: readonly string[], commands: readonly Command[]): string {
  const [word, extra] = argv;
  const shell = SHELLS.find((name) => name === word);
  if (shell !== undefined && extra === undefined) return SCRIPTS[shell](commands);
  const hint = word === undefined ? '' : nearestHint(word, SHELLS);
  throw new ConfigError([
    { subject: 'wirespan completion', problem: `takes the name of one shell: ${SHELLS.join(', ')}${hint}` },
  ]);
}
