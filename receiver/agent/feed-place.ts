import { ConfigError } from '../../config/index.ts';
import { DEFAULT_SOCKET } from '../feed/protocol.ts';
import { isThere } from '../feed/there.ts';
import type { ViewArguments } from '../views/options.ts';
import type { View } from '../views/view.ts';

/** Where an agent may be. */
export interface FeedPlace {
  readonly path: string;
  /** The user said so: it must be there. */
  readonly isNamed: boolean;
}

/**
 * Where the view looks for an agent. Undefined: it loads programs of its own; nobody is there, or it was told to.
 * @throws ConfigError
 */
export function feedPlace(view: View, args: ViewArguments): FeedPlace | undefined {
  const named = args.text('agent');
  if (view.loadsAlways === true || args.has('no-agent')) return undefined;
  const own = view.ownOption?.(args);
  if (named !== undefined && own !== undefined)
    throw new ConfigError([
      {
        subject: `wirespan ${view.name}: --agent`,
        problem: `does not go with --${own}: leave one of them out`,
      },
    ]);
  const path = named ?? (process.env['WIRESPAN_VIEWS_SOCKET']?.trim() || DEFAULT_SOCKET);
  if (own !== undefined || path === 'off') return undefined;
  return named === undefined && !isThere(path) ? undefined : { path, isNamed: named !== undefined };
}
