/** What families ask of the kernel, as data: programs, variables, maps. `receiver/source/` carries it out. */
import type { EventDescriptor, EventMode, MetricDescriptor, SpanDescriptor } from '../../semconv/index.ts';
import { EMIT_MODE } from '../decode/generated/layout.ts';
import type { PacketsWanted } from '../model/packets.ts';
import type { SamplesWanted } from '../model/samples.ts';

/** What the settings ask for, by what families need to know of it. */
export interface Wanted {
  metric(metric: MetricDescriptor): boolean;
  event(event: EventDescriptor): EventMode;
  /** The mode of a span, `off` among them. */
  span(span: SpanDescriptor): string;
  /** Whether measurements of one of these metrics are wanted as exemplars. */
  exemplars(...metrics: readonly MetricDescriptor[]): boolean;
  /** Opt-in attributes. */
  readonly attributes: ReadonlySet<string>;
  /** Addresses may leave the agent, whole or in part. */
  readonly showsAddresses: boolean;
  /** The live view shows peers. */
  readonly hasLiveView: boolean;
  /** Trace context of HTTP/1 requests. */
  readonly http1: boolean;
  /** Such contexts are read where requests arrive, too. */
  readonly arrivals: boolean;
  /** Trace context of clients' HTTP/2 requests. */
  readonly http2: boolean;
  /** Trace context that applications announce. */
  readonly hook: boolean;
  /** Trace context that threads publish in their memory. */
  readonly threadContext: boolean;
  /** The trace context of a server's request may come with its span, seconds later. */
  readonly tap: boolean;
  /** Records of changes of state tell those of handshakes and listeners, too. */
  readonly earlyStates: boolean;
  /** A record of each live connection at each pass, for a view; the agent wants none. */
  readonly liveRecords?: boolean;
  /** Histograms of a view; the agent has none. */
  readonly samples?: SamplesWanted | undefined;
  /** What name servers answer, for a view; the agent asks for none. */
  readonly dnsAnswers?: boolean;
  /** Ways of packets; the agent has none unless asked for. */
  readonly packets?: PacketsWanted | undefined;
  /** The names that programs are started with are kept. */
  readonly execNames: boolean;
  /** How each exchange divides. */
  readonly exchangePhases: boolean;
  /** Microseconds above which a record is made; 0: never. */
  readonly thresholdsUs: Readonly<
    Record<
      | 'handshake'
      | 'acceptQueue'
      | 'receiveQueue'
      | 'rtt'
      | 'exchange'
      | 'softirqRun'
      | 'softirqWait'
      | 'wakeup'
      | 'zeroWindow',
      number
    >
  >;
}

/** Settings that are no family's own. */
export interface CommonOptions {
  readonly maxSeries: number;
  /** Kept by address; see bpf/lib/track.bpf.h. */
  readonly maxSockets: number;
  readonly costlyVariants: boolean;
  /** Nobody walks over the sockets or reads sums: what is only for that is not loaded. */
  readonly recordsAlone?: boolean;
  /** Nothing is asked about sockets: programs that follow them are not loaded. */
  readonly withoutSockets?: boolean;
  /** The filter stays as it is: what asks again for its rules is not loaded. */
  readonly keepsFilter?: boolean;
}

/** Probes by which sockets are followed. */
export const followsSockets = ({ withoutSockets }: CommonOptions): boolean => withoutSockets !== true;

/** Which records are made: all, those on a trace, none. */
export type RecordMode = 'off' | 'correlated' | 'on';

/** Records on a trace are enough when events want none. */
export function modeWith(mode: EventMode, isWantedOnTraces: boolean): EventMode {
  return mode === 'off' && isWantedOnTraces ? 'correlated' : mode;
}

/** A `__u8` variable of the programs for a mode. */
export function modeNumber(mode: RecordMode): number {
  return { off: EMIT_MODE.EMIT_NONE, correlated: EMIT_MODE.EMIT_TRACED, on: EMIT_MODE.EMIT_ALL }[mode];
}

/** One way to see what a probe is for. */
export interface ProbeVariant {
  /** Tried in turn. */
  readonly programs: readonly string[];
  /** Taken when the kernel has this tracepoint; absent: when a program loads. */
  readonly tracepoint?: string;
  /** In the log, when it is refused. */
  readonly words?: string;
}

export interface Probe<O extends object = object> {
  /** `wirespan.agent.probe.name`. */
  readonly name: string;
  /** Best first. */
  variants(options: CommonOptions & O): readonly ProbeVariant[];
  /** Absent: always. */
  isWanted?(options: CommonOptions & O): boolean;
  /** It is for nothing unless one of these was chosen for a probe before it. */
  readonly needs?: readonly string[];
  /** What the log says behind the refusals. */
  advice?(options: CommonOptions & O): string;
  /** The agent never wants it, and says nothing of it. */
  readonly isOfViews?: boolean;
  /** Runs that the kernel skipped are made good; what could not be is counted by the kernel side. */
  readonly isRepaired?: boolean;
}

/** A probe with one program, on a tracepoint. */
export function onTracepoint<O extends object = object>(
  name: string,
  program: string,
  rest: Pick<Probe<O>, 'isWanted' | 'isRepaired' | 'isOfViews'> = {},
): Probe<O> {
  return { name, variants: () => [{ programs: [program], tracepoint: name }], ...rest };
}

/** What the plan chose, by what variables and maps depend on. */
export interface Chosen {
  readonly attached: readonly { readonly program: string }[];
  /** Arguments of the tracepoints that the kernel has. */
  readonly arities: Readonly<Record<string, number>>;
  /** What is kept of a socket is found by its address, else it is in the socket's own storage. */
  readonly isConnTable: boolean;
}

/** Numbers of the running kernel, by name; none of a name that it does not have. */
export interface KernelNumbers {
  /** `enum skb_drop_reason`. */
  readonly dropReasons: Readonly<Record<string, number>>;
  /** `LINUX_MIB_…`: counters of `/proc/net/netstat`. */
  readonly statistics: Readonly<Record<string, number>>;
  /** Addresses of code, from one symbol to another or the next one; undefined when the kernel hides them or has no such symbol. */
  codeOf(first: string, last?: string): { readonly from: bigint; readonly to: bigint } | undefined;
}

/** What variables depend on. */
export interface KernelFacts extends Chosen, KernelNumbers {}

export function isAttached({ attached }: Pick<Chosen, 'attached'>, ...programs: readonly string[]): boolean {
  return attached.some(({ program }) => programs.includes(program));
}

/** Whether the tracepoint has more arguments than these; it has none where there is no such tracepoint. */
export function hasMoreArguments({ arities }: Pick<Chosen, 'arities'>, name: string, than: number): boolean {
  return (arities[name] ?? 0) > than;
}

/** A variable's value: true, false and numbers are `__u8`, a big number is `__u64`. */
export type VariableValue = boolean | number | bigint;

/** A variable of 8 bytes, in nanoseconds; 0: never. */
export function nanoseconds(isOn: boolean, us: number): bigint {
  return isOn ? BigInt(us) * 1000n : 0n;
}

/** A map of a family. */
export interface KernelMap<O extends object = object> {
  readonly name: string;
  /** Entries, when they are not what the object declares. */
  entries?(options: CommonOptions & O, chosen: Chosen): number | undefined;
  /** Each owner has a share of its rows: its number of `enum row_map`, and where its key says `overflow`. */
  readonly rows?: {
    readonly number: number;
    readonly overflowAt: number;
    /** An owner has one row at most: there are no shares. */
    readonly isOneEach?: boolean;
  };
  /** How full it is, is told of (`wirespan.agent.map.*`). */
  readonly isTold?: boolean;
  /** The setting that decides its size, for whom its memory is told: `bpf.max_series` or `bpf.max_sockets`. */
  readonly sizedBy?: 'series' | 'sockets';
}
