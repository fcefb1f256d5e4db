import { outsideText } from '../../text/index.ts';
import type { Owner } from '../model/resource.ts';
import type { RequestContext, SocketRecord } from '../model/record.ts';
import type { ViewArguments } from './options.ts';
import type { ViewTools } from './view.ts';

/** A column: its title, and how wide it is at least; negative: its text stands at the right. */
export type Column = readonly [title: string, width: number];

function cell(text: string, width: number): string {
  return width < 0 ? text.padStart(-width) : text.padEnd(width);
}

/** Texts below their columns; what is too long moves the rest. The last one is not filled up. */
export function line(columns: readonly Column[], texts: readonly string[]): string {
  return texts
    .map((text, i) => cell(text, columns[i]?.[1] ?? 0))
    .join(' ')
    .trimEnd();
}

export function titles(columns: readonly Column[]): string {
  return line(
    columns,
    columns.map(([title]) => title),
  );
}

/** RFC 4180. */
export function csvLine(texts: readonly string[]): string {
  return texts.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',');
}

const MS_PER_DAY = 86_400_000;

/** The time of day of this host, `HH:MM:SS`. */
export function timeOfDay(unixNs: bigint): string {
  const date = new Date(Number(unixNs / 1_000_000n));
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return new Date(local.getTime() % MS_PER_DAY).toISOString().slice(11, 19);
}

/** The columns before all others that `--time` and `--timestamp` ask for. */
export class TimeColumns {
  readonly columns: readonly Column[];
  readonly #isTimeShown: boolean;
  readonly #isStampShown: boolean;
  readonly #tools: ViewTools;
  #firstNs: bigint | undefined;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#isTimeShown = args.has('time');
    this.#isStampShown = args.has('timestamp');
    this.#tools = tools;
    this.columns = [
      ...(this.#isTimeShown ? [['TIME', 8] as const] : []),
      ...(this.#isStampShown ? [['TIME(s)', 9] as const] : []),
    ];
  }

  texts(timeNs: bigint): string[] {
    this.#firstNs ??= timeNs;
    const seconds = Number(timeNs - this.#firstNs) / 1e9;
    return [
      ...(this.#isTimeShown ? [timeOfDay(this.#tools.toUnixNs(timeNs))] : []),
      ...(this.#isStampShown ? [seconds.toFixed(6)] : []),
    ];
  }
}

/** RFC 3339 with nanoseconds. */
export function timeStamp(unixNs: bigint): string {
  const seconds = new Date(Number(unixNs / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${(unixNs % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

/** A name that a process gave itself, fit for a terminal. */
export function commandOf({ command }: Owner): string {
  return outsideText(command);
}

/** What every object of `--json` about one socket begins with. */
export function localJson(
  { timeNs, cookie, netns, owner, endpoints }: SocketRecord,
  tools: ViewTools,
): Readonly<Record<string, unknown>> {
  return {
    time: timeStamp(tools.toUnixNs(timeNs)),
    ...ownerJson(owner),
    netns,
    socket: cookie.toString(),
    ip: endpoints.family,
    local_address: endpoints.localAddress,
    local_port: endpoints.localPort,
  };
}

/** The same of one that has a peer. */
export function socketJson(record: SocketRecord, tools: ViewTools): Readonly<Record<string, unknown>> {
  const { peerAddress, peerPort } = record.endpoints;
  return { ...localJson(record, tools), remote_address: peerAddress, remote_port: peerPort };
}

export function ownerJson({ pid, command, executable }: Owner): Readonly<Record<string, unknown>> {
  return { pid, comm: command, executable };
}

/** Nanoseconds between two stamps in milliseconds. */
export function millisecondsBetween(fromNs: bigint, toNs: bigint): number {
  return Number(toNs - fromNs) / 1e6;
}

/** The kernel's names of TCP states, by `network.connection.state`. */
const STATES: Readonly<Record<string, string>> = {
  syn_received: 'SYN_RECV',
  fin_wait_1: 'FIN_WAIT1',
  fin_wait_2: 'FIN_WAIT2',
  closed: 'CLOSE',
};

export function stateName(state: string | undefined): string {
  if (state === undefined) return '-';
  return STATES[state] ?? state.toUpperCase();
}

/** RFC 9293 section 3.1, from the lowest bit on. */
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'] as const;

/** The flags of a TCP header that are set. */
export function flagNames(flags: number): string[] {
  return FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0);
}

/** The columns of a trace's context, when they are asked for; '-': none is known. */
export function traceTexts(isShown: boolean, context: RequestContext | undefined): string[] {
  return isShown ? [context?.traceId ?? '-'] : [];
}

export function traceJson(
  isAsked: boolean,
  context: RequestContext | undefined,
): Readonly<Record<string, unknown>> {
  return !isAsked || context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
}
