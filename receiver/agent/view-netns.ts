import { ConfigError } from '../../config/index.ts';
import { netNamespaceOf } from '../host/net-namespace.ts';
import type { ViewArguments } from '../views/options.ts';

/** What a network namespace can be given by. */
const NAMES = ['netns', 'netns-id', 'pid-netns'] as const;

/**
 * The arguments with `--netns`, whichever way it was given.
 * @throws ConfigError for more than one way, or a process that cannot be asked
 */
export function withNetns(view: string, args: ViewArguments): ViewArguments {
  const [name, other] = NAMES.filter((each) => args.has(each));
  if (name === undefined || (name === 'netns' && other === undefined)) return args;
  const value = args.text(name) ?? '';
  const fail = (problem: string): never => {
    throw new ConfigError([{ subject: `wirespan ${view}: --${name} ${value}`, problem }]);
  };
  if (other !== undefined) return fail(`does not go with --${other}: give one of them`);
  if (name === 'netns-id') return args.with('netns', value);
  const netns = netNamespaceOf(value);
  return netns === undefined
    ? fail('is no process here, or its namespace is not to be looked at')
    : args.with('netns', String(netns));
}
