import { isIP, isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import { ConfigError, nearestHint } from '../../config/index.ts';

/** One option of a view. The command line, `--help` and the documents are made of these. */
export interface ViewOption {
  /** Without the dashes. */
  readonly long: string;
  /** One letter. */
  readonly short?: string;
  /** What its value is called; absent: it takes none. */
  readonly value?: string;
  /** The only values. */
  readonly choices?: readonly string[];
  /** Whether the value can be used: why not, else undefined. */
  readonly check?: (value: string) => string | undefined;
  readonly help: string;
}

const MAX_PORT = 65_535;
/** `PID_MAX_LIMIT` of 64-bit kernels (include/linux/threads.h). */
const MAX_PID = 4_194_304;

/** Whether a value is a whole number up to `most`. */
export function numberCheck(most: number, what: string, least = 1): (value: string) => string | undefined {
  return (value) =>
    /^\d{1,10}$/.test(value) && Number(value) >= least && Number(value) <= most
      ? undefined
      : `is no ${what}: give a number from ${String(least)} to ${String(most)}`;
}

const isPort = numberCheck(MAX_PORT, 'port');

function checkPorts(value: string): string | undefined {
  return value.split(',').every((port) => isPort(port) === undefined)
    ? undefined
    : `is no list of ports: give numbers from 1 to ${String(MAX_PORT)}, with commas and no blanks`;
}

/** An option that takes ports, such as `80,443`. */
export function portsOption(long: string, short: string, help: string): ViewOption {
  return { long, short, value: 'PORTS', check: checkPorts, help };
}

/** An option that takes one port. */
export function portOption(long: string, short: string, help: string): ViewOption {
  return { long, short, value: 'PORT', check: isPort, help };
}

/** The kernel leaves out all others. */
export const REMOTE_ADDRESS: ViewOption = {
  long: 'raddr',
  short: 'A',
  value: 'ADDRESS',
  check: checkAddress,
  help: 'this address of the other end only',
};

/** The network that has this one address. */
export function hostCidr(address: string): string {
  return `${address}/${isIPv6(address) ? '128' : '32'}`;
}

export function checkAddress(value: string): string | undefined {
  return isIP(value) === 0 || value.includes('%') ? 'is no IP address' : undefined;
}

export const LOCAL_PORT = portsOption('localport', 'L', 'these local ports only');
export const REMOTE_PORT = portsOption('remoteport', 'D', 'these ports of the other end only');

const MAX_SECONDS = 86_400;

/** Until Ctrl-C, as far as a timer goes. */
export const ONCE_S = MAX_SECONDS;
const isSeconds = numberCheck(MAX_SECONDS, 'number of seconds');

export function durationOption(help: string): ViewOption {
  return { long: 'duration', short: 'd', value: 'SECONDS', check: isSeconds, help };
}

/** How often sums are printed, and for how long. */
export function intervalOptions(help: string): readonly ViewOption[] {
  return [
    { long: 'interval', short: 'i', value: 'SECONDS', check: isSeconds, help },
    countOption('end after so many intervals'),
  ];
}

export function countOption(help: string): ViewOption {
  return { long: 'count', short: 'n', value: 'TIMES', check: numberCheck(1e9, 'count'), help };
}

/** The shortest that is not all work. */
const MIN_DELAY_S = 0.1;

/** As of `top`: tenths too. */
export function delayOption(help: string): ViewOption {
  const isDelay = (value: string): boolean =>
    /^\d{1,5}(\.\d{1,3})?$/.test(value) && Number(value) >= MIN_DELAY_S && Number(value) <= MAX_SECONDS;
  const problem = `is no delay: give seconds, from ${String(MIN_DELAY_S)} to ${String(MAX_SECONDS)}`;
  const check = (value: string): string | undefined => (isDelay(value) ? undefined : problem);
  return { long: 'delay', short: 'd', value: 'SECONDS', check, help };
}

const MAX_MS = 86_400_000;

function checkMs(value: string): string | undefined {
  return /^\d{1,8}(\.\d{1,6})?$/.test(value) && Number(value) <= MAX_MS
    ? undefined
    : 'is no time: give milliseconds, such as 10 or 0.5';
}

/** What is shorter is not shown. */
export const MINIMUM: ViewOption = {
  long: 'min',
  short: 'm',
  value: 'MS',
  check: checkMs,
  help: 'from so many milliseconds on',
};
export const TRACE: ViewOption = {
  long: 'trace',
  help: 'a column with the trace id of the request that it happened to, of requests that are sampled',
};

/** How a table of sockets is written. */
export const WIDE: ViewOption = {
  long: 'wide',
  short: 'w',
  help: 'columns that hold IPv6 addresses, and the IP version',
};
export const CSV: ViewOption = { long: 'csv', short: 's', help: 'values with commas between them' };

/** What limits a view by the packets. */
export const FAMILIES: readonly ViewOption[] = [
  { long: 'ipv4', short: '4', help: 'IPv4 only' },
  { long: 'ipv6', short: '6', help: 'IPv6 only' },
];

export const isPid = numberCheck(MAX_PID, 'process id');

const PROCESSES: readonly ViewOption[] = [
  { long: 'pid', short: 'p', value: 'PID', check: isPid, help: 'this process only' },
  {
    long: 'cgroup',
    value: 'PATH',
    check: (value) => (value.startsWith('/') ? undefined : 'is no path: it begins with / at the mount point'),
    help: 'processes in this cgroup or below, of v1 or v2: the path below its mount point',
  },
  {
    long: 'container',
    value: 'ID',
    check: (value) =>
      /^[0-9a-f]{4,64}$/.test(value)
        ? undefined
        : 'is no id of a container: give its first 4 to 64 hex digits',
    help: 'processes of this container: as many digits of its id as it takes',
  },
];

/** What limits every view. */
export const LIMITS: readonly ViewOption[] = [...PROCESSES, ...FAMILIES];

/** Where what it shows comes from. */
export const AGENT_OPTIONS: readonly ViewOption[] = [
  {
    long: 'agent',
    value: 'PATH',
    check: (value) => (value.startsWith('/') ? undefined : 'is no path of a socket: it begins with /'),
    help: 'reads from the agent that has this socket (views.socket)',
  },
  { long: 'no-agent', help: 'loads programs of its own, also where an agent can be read from' },
];

/** When it was, in a column before all others. */
export const TIMES: readonly ViewOption[] = [
  { long: 'time', short: 'T', help: 'a column with the time of day' },
  { long: 'timestamp', short: 't', help: 'a column with the seconds since the first line' },
];

export const JSON_OPTION: ViewOption = { long: 'json', help: 'one JSON object a line' };
export const HELP_OPTION: ViewOption = {
  long: 'help',
  short: 'h',
  help: 'what it shows, its options, and an example',
};

/** What was asked for on the command line of a view. */
export class ViewArguments {
  readonly #values: ReadonlyMap<string, string | true>;

  constructor(values: ReadonlyMap<string, string | true>) {
    this.#values = values;
  }

  /** Whether this option was given. */
  has(long: string): boolean {
    return this.#values.has(long);
  }

  /** Undefined: not given. */
  text(long: string): string | undefined {
    const value = this.#values.get(long);
    return value === true ? undefined : value;
  }

  number(long: string): number | undefined {
    const value = this.text(long);
    return value === undefined ? undefined : Number(value);
  }

  /** The same, and this value. */
  with(long: string, value: string): ViewArguments {
    return new ViewArguments(new Map([...this.#values, [long, value]]));
  }

  /** Undefined: any. */
  ports(long: string): ReadonlySet<number> | undefined {
    const value = this.text(long);
    return value === undefined ? undefined : new Set(value.split(',').map(Number));
  }
}

/** The ends that `LOCAL_PORT` and `REMOTE_PORT` name. */
export function portsOf(args: ViewArguments): {
  readonly local: ReadonlySet<number> | undefined;
  readonly remote: ReadonlySet<number> | undefined;
} {
  return { local: args.ports(LOCAL_PORT.long), remote: args.ports(REMOTE_PORT.long) };
}

/**
 * Reads what follows the view's name. `words`: options that are given without their names, in this order.
 * @throws ConfigError one sentence for what it does not have, or cannot use
 */
export function parseViewArguments(
  view: string,
  options: readonly ViewOption[],
  argv: readonly string[],
  words: readonly string[] = [],
): ViewArguments {
  const fail = (subject: string, problem: string): never => {
    throw new ConfigError([{ subject: `wirespan ${view}: ${subject}`, problem }]);
  };
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      options.map(({ long, short, value }) => [
        long,
        { type: value === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) } as const,
      ]),
    ),
    strict: false,
    tokens: true,
  });
  const values = new Map<string, string | true>();
  const left = [...words];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional' && left.length > 0) {
      const option = options.find(({ long }) => long === left[0]);
      left.shift();
      const given = { rawName: `argument ${String(token.index + 1)},`, value: token.value };
      if (option !== undefined) values.set(option.long, valueOf(option, given, fail));
      continue;
    }
    if (token.kind === 'positional')
      fail(
        `argument ${String(token.index + 1)}`,
        `is no option; it takes none but those of wirespan ${view} --help`,
      );
    if (token.kind !== 'option') continue;
    const option = options.find(({ long }) => long === token.name);
    if (option === undefined) {
      const names = options.map(({ long }) => `--${long}`);
      fail(
        token.rawName,
        `is no option of it: see wirespan ${view} --help${nearestHint(`--${token.name}`, names, { whole: true })}`,
      );
    } else values.set(option.long, valueOf(option, token, fail));
  }
  return new ViewArguments(values);
}

function valueOf(
  { value, choices, check }: ViewOption,
  token: { readonly rawName: string; readonly value: string | undefined },
  fail: (subject: string, problem: string) => never,
): string | true {
  if (value === undefined) return token.value === undefined ? true : fail(token.rawName, 'takes no value');
  if (token.value === undefined) return fail(token.rawName, `needs a value: ${token.rawName} ${value}`);
  const isNone = choices?.includes(token.value) === false;
  const problem = isNone ? `is none of its values: ${choices.join(', ')}` : check?.(token.value);
  return problem === undefined ? token.value : fail(`${token.rawName} ${token.value}`, problem);
}
