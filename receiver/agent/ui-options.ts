import { ConfigError, isLoopback, parseListenAddress } from '../../config/index.ts';
import type { ServerAddress } from '../serve/listen.ts';
import { DEFAULT_TRACE_URL, traceUrlProblem } from '../ui/trace-url.ts';
import { UI_PORTS } from '../ui/view.ts';
import { renderCommandHelp } from '../views/help.ts';
import { AGENT_OPTIONS, HELP_OPTION, LIMITS, type ViewArguments, type ViewOption } from '../views/options.ts';

const DEFAULT_HOST = '127.0.0.1';

/** Options of `wirespan ui`. */
export const UI_OPTIONS: readonly ViewOption[] = [
  {
    long: 'from',
    value: 'RECORDING',
    help: 'of what wirespan record wrote, which may also be given without the name of this option',
  },
  {
    long: 'listen',
    value: 'ADDRESS',
    check: listenProblem,
    help: `where it listens, on this machine alone, such as ${DEFAULT_HOST}:8080; default any free port of ${DEFAULT_HOST}`,
  },
  {
    long: 'trace-url',
    value: 'URL',
    check: traceUrlProblem,
    help: `where a trace is to be seen; default ${DEFAULT_TRACE_URL}`,
  },
  ...UI_PORTS,
  ...LIMITS,
  ...AGENT_OPTIONS,
  HELP_OPTION,
];

/** What does not go with a recording: the kernel, or an agent, leaves it out. */
const LIVE_ALONE = ['agent', 'no-agent', 'cgroup', 'container'];

function listenProblem(value: string): string | undefined {
  const address = parseListenAddress(value);
  if (address === undefined) return 'is no address: write it as 127.0.0.1:8080 or [::1]:8080';
  return isLoopback(address.host)
    ? undefined
    : 'is an address that other machines reach, which the page is not for: take 127.0.0.1 or [::1]';
}

/** What is to be shown, and where. */
export interface UiWishes {
  readonly address: ServerAddress;
  readonly traceUrl: string;
  /** A recording; undefined: of what happens now. */
  readonly from: string | undefined;
}

/** @throws ConfigError for what cannot go together */
export function uiWishesOf(args: ViewArguments): UiWishes {
  const from = args.text('from');
  const live = from === undefined ? undefined : LIVE_ALONE.find((long) => args.has(long));
  if (live !== undefined)
    throw new ConfigError([
      { subject: `wirespan ui: --${live}`, problem: 'is for what happens now: a recording is as it is' },
    ]);
  if (args.has('agent') && args.has('no-agent'))
    throw new ConfigError([
      { subject: 'wirespan ui: --agent', problem: 'does not go with --no-agent: leave one of them out' },
    ]);
  const address = parseListenAddress(args.text('listen') ?? '') ?? { host: DEFAULT_HOST, port: 0 };
  return { address, traceUrl: args.text('trace-url') ?? DEFAULT_TRACE_URL, from };
}

export function uiHelp(): string {
  return renderCommandHelp({
    name: 'ui [RECORDING]',
    summary:
      'shows connections, who talks to whom, hurt requests and queues in a browser on this machine: of a recording, or of what happens now',
    options: UI_OPTIONS,
    example: ['wirespan ui', 'prints the address to open'],
    closing:
      'It ends with Ctrl-C. Who has the address that it prints may read, and nobody can change anything. What it shows: docs/ui.md',
  });
}
