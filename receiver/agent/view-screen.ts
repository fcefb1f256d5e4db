import { isatty } from 'node:tty';
import { ConfigError } from '../../config/index.ts';
import type { Outputs } from '../cli/outputs.ts';
import { canDraw, hasColours } from '../cli/terminal-abilities.ts';
import type { Screen } from '../views/top/screen.ts';
import type { View } from '../views/view.ts';

const INSTEAD = 'use wirespan tcptop, or wirespan tcptop --json for programs';

/**
 * The terminal for a view that takes the whole of it; undefined: this view does not. `argv`: its options.
 * @throws ConfigError when there is none
 */
export async function screenFor(
  { name, isScreen = false }: View,
  argv: readonly string[],
  { stdout, isTerminal }: Outputs,
): Promise<Screen | undefined> {
  if (!isScreen) return undefined;
  const refuse = (subject: string, problem: string): never => {
    throw new ConfigError([{ subject: `wirespan ${name}: ${subject}`, problem: `${problem}: ${INSTEAD}` }]);
  };
  if (argv.includes('--json')) refuse('--json', 'does not go with a whole terminal');
  if (!isTerminal.stdout) refuse('standard output', 'is no terminal');
  if (!isatty(0)) refuse('standard input', 'is no terminal, and keys come from there');
  if (!canDraw(process.env)) refuse('TERM', 'names no terminal whose cursor can be moved');
  // Nobody else needs what draws it.
  const { FullScreen } = await import('../cli/full-screen.ts');
  const sizeNow = (): typeof process.stdout => process.stdout;
  return new FullScreen({ stdout, hasColours: hasColours(process.stdout), env: process.env, sizeNow });
}
