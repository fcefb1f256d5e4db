/** What a view and an agent say to each other before the stream: a line of JSON each. docs/views.md describes it. */

/** The version that is spoken; of another one nothing is understood. */
const PROTOCOL = 1;
/** Where a view looks by itself. */
export const DEFAULT_SOCKET = '/run/wirespan/views.sock';
/** A first line has no more bytes: of who asks, and of who answers. */
export const MAX_LINE_BYTES = 16_384;
/** How often sums may be asked for: as views let it be said. */
const [MIN_INTERVAL_MS, MAX_INTERVAL_MS] = [100, 86_400_000];

/** Sums that a view shows: what they gained is told at each of its intervals. */
export interface GreetingSums {
  /** Names of metrics. */
  readonly metrics: readonly string[];
  /** Networks of peers that they are told apart by, in CIDR notation. */
  readonly subnets: readonly string[];
  /** A record of each connection that moved something, before each interval; when it begins, of each one. */
  readonly live: boolean;
  /** Listening sockets and their queues. */
  readonly listeners: boolean;
  readonly intervalMs: number;
}

/** What a view asks for. Absent: any. */
export interface Greeting {
  /** Names of the events whose records it shows. */
  readonly events: readonly string[];
  /** Opt-in attributes that change what records hold. */
  readonly attributes: readonly string[];
  /** It shows trace contexts. */
  readonly traces: boolean;
  /** What it cannot do without. */
  readonly probes: readonly string[];
  readonly pid?: number;
  readonly netns?: number;
  /** Ports of this end, and of the other one. */
  readonly local?: readonly number[];
  readonly remote?: readonly number[];
  /** The path of a control group below its mount point: processes in it. */
  readonly cgroup?: string;
  /** It shows in which control groups processes are. */
  readonly namesCgroups?: boolean;
  /** Absent: it shows records alone. */
  readonly sums?: GreetingSums;
}

/** Undefined: it may read. `lacks`: it asks for what this agent does not have. */
export type Refusal = { readonly error: string } | { readonly lacks: string } | undefined;

export function greetingLine(greeting: Greeting): string {
  return `${JSON.stringify({ wirespan: PROTOCOL, ...greeting })}\n`;
}

export function answerLine(refusal: Refusal): string {
  return `${JSON.stringify({ wirespan: PROTOCOL, ...refusal })}\n`;
}

/** What the line asks for, or why it is no question of a view. */
export function parseGreeting(line: string): Greeting | string {
  const given = parseObject(line);
  if (given === undefined) return 'what it asked is no line of JSON';
  const { wirespan, events, attributes, traces, probes, pid, netns, local, remote } = given;
  const { cgroup, namesCgroups, sums } = given;
  if (wirespan !== PROTOCOL)
    return `it speaks version ${typeof wirespan === 'number' ? String(wirespan) : 'unknown'} of the protocol, and this agent version ${String(PROTOCOL)}`;
  const isGreeting =
    [events, attributes, probes].every((list) => isListOf(list, 'string')) &&
    typeof traces === 'boolean' &&
    [pid, netns].every((number) => number === undefined || Number.isSafeInteger(number)) &&
    [local, remote].every((list) => list === undefined || isListOf(list, 'number')) &&
    (cgroup === undefined || typeof cgroup === 'string') &&
    (namesCgroups === undefined || typeof namesCgroups === 'boolean') &&
    (sums === undefined || isSums(sums));
  return isGreeting ? (given as unknown as Greeting) : 'what it asked is no question of a view';
}

function isSums(sums: unknown): boolean {
  if (typeof sums !== 'object' || sums === null) return false;
  const { metrics, subnets, live, listeners, intervalMs } = sums as Readonly<Record<string, unknown>>;
  return (
    [metrics, subnets].every((list) => isListOf(list, 'string')) &&
    [live, listeners].every((flag) => typeof flag === 'boolean') &&
    typeof intervalMs === 'number' &&
    intervalMs >= MIN_INTERVAL_MS &&
    intervalMs <= MAX_INTERVAL_MS
  );
}

/** What an agent answered; undefined: it is none that speaks this protocol. */
export function parseAnswer(line: string): { readonly refusal: Refusal } | undefined {
  const given = parseObject(line);
  if (given === undefined || typeof given['wirespan'] !== 'number') return undefined;
  const { wirespan, error, lacks } = given;
  if (typeof error === 'string') return { refusal: { error } };
  if (typeof lacks === 'string') return { refusal: { lacks } };
  return wirespan === PROTOCOL ? { refusal: undefined } : undefined;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isListOf(list: unknown, type: 'string' | 'number'): boolean {
  return Array.isArray(list) && list.every((each) => typeof each === type);
}

/** Why a stream ended: what its last block says. */
export const FEED_END = { asked: 'asked', stopped: 'stopped', slow: 'slow' } as const;

/** What is asked of the tape besides what the kernel answers: see `receiver/recording/tape.ts`. */
export const ASKED = {
  /** Records that the kernel had no room for, since the agent began. */
  lost: 'lost records',
  /** Rules of the agent's filter. */
  rules: 'filter rules',
  /** What metrics gained since the last time that this was asked: `GainAnswer[]`. */
  gains: 'gains',
  /** The number of the last walk over the sockets, as a recording has it. */
  pass: 'pass',
} as const;
