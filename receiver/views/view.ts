import type { Attributes } from '@opentelemetry/api';
import type { EventDescriptor, MetricDescriptor } from '../../semconv/index.ts';
import type { ListenerFigures } from '../model/listener-figures.ts';
import type { PacketsWanted } from '../model/packets.ts';
import type { KernelNames, KernelRecord } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import type { SampleHistogram, SamplesWanted } from '../model/samples.ts';
import type { ViewArguments, ViewOption } from './options.ts';
import type { Screen } from './top/screen.ts';

/** Things that a view remembers, such as the state of a socket. */
export const MAX_REMEMBERED = 65_536;

/** A tool that people know: columns of one kind of event, as they come. */
export interface View {
  /** The command. */
  readonly name: string;
  /** What it shows, in one sentence without its end. */
  readonly summary: string;
  /** A command line, and what it is for. */
  readonly example: readonly [command: string, meaning: string];
  /** Besides those of all views. */
  readonly options: readonly ViewOption[];
  /** Options, by their long names, that may be given as words in this order. */
  readonly words?: readonly string[];
  /** It takes the whole terminal: there is no `--json`. */
  readonly isScreen?: boolean;
  /** It shows samples or packets, which no agent has for it: it loads programs of its own. */
  readonly loadsAlways?: boolean;
  /** What it shows is no process's: it cannot be limited to one. */
  readonly isOfNobody?: boolean;
  /** The option for which no agent has anything: with it, it loads programs of its own. Undefined: none was given. */
  ownOption?(args: ViewArguments): string | undefined;
  /** What the kernel is asked for: nothing else is loaded. */
  needs(args: ViewArguments): ViewNeeds;
  /** Which ends the ports of its options are of. */
  ports?(args: ViewArguments): ViewPorts;
  start(args: ViewArguments, tools: ViewTools): ViewRun;
}

/** What a view is made of. */
export interface ViewNeeds {
  readonly events: readonly EventDescriptor[];
  /** Sums, which are asked for at each interval and at the end. */
  readonly sums?: ViewSumsNeeds;
  /** Opt-in attributes that change what records hold. */
  readonly attributes?: readonly string[];
  /** Trace contexts are read. */
  readonly traces?: boolean;
  /** A record of each request that is sampled; with `traces`. */
  readonly exchanges?: boolean;
  /** What name servers answer, as records. */
  readonly dnsAnswers?: boolean;
  /** The ways of these packets. */
  readonly packets?: PacketsWanted;
  /** It shows in which containers, or control groups, processes are. */
  readonly cgroups?: boolean;
  /** It asks nothing of sockets, unless it is limited to some; absent: it does. */
  readonly withoutSockets?: boolean;
  /** What it cannot do without: when the kernel refuses one of these probes, it is said. */
  readonly probes: readonly string[];
  /** Where the kernel refuses better ways, programs at the end of system calls do. */
  readonly costly?: boolean;
}

export interface ViewSumsNeeds {
  readonly metrics: readonly MetricDescriptor[];
  /** Networks of peers, in CIDR notation; of several the narrowest is a peer's. */
  readonly subnets: readonly string[];
  /** A record `live` of each connection that moved something, before each interval; when it begins, of each one. */
  readonly live?: boolean;
  /** Listening sockets and their queues, at each interval; with `live`. */
  readonly listeners?: boolean;
  /** Histograms of every sample, by powers of two. */
  readonly samples?: SamplesWanted;
  readonly intervalMs: number;
  /** It ends after so many; undefined: with Ctrl-C. */
  readonly intervals: number | undefined;
}

/** What a counter gained in one interval, in the metric's unit. */
export interface Gain {
  readonly metric: MetricDescriptor;
  readonly attributes: Attributes;
  readonly value: number;
}

/** Undefined: any. */
export interface ViewPorts {
  readonly local?: ReadonlySet<number> | undefined;
  readonly remote?: ReadonlySet<number> | undefined;
}

/** The path of a control group below its mount point, and the container in it. */
export interface OwnerCgroup {
  readonly path: string;
  /** 64 hex digits. */
  readonly containerId: string | undefined;
}

/** What a view may ask of the host. */
export interface ViewTools {
  readonly names: KernelNames;
  /** CLOCK_MONOTONIC to Unix nanoseconds. */
  toUnixNs(monotonicNs: bigint): bigint;
  /** Things that a view may remember at once; of more, those that were quiet for longest make room. */
  readonly maxRemembered: number;
  /** Lines go to a terminal. */
  readonly isTerminal: boolean;
  /** The control group of a process; undefined: not known. */
  cgroupOf?(owner: Owner): OwnerCgroup | undefined;
  /** The terminal; only of views that take the whole of it. */
  readonly screen?: Screen;
  /** Load averages of 1, 5 and 15 minutes. */
  loads(): readonly number[];
}

/** A view at work. */
export interface ViewRun {
  /** The first line; undefined: there is none. */
  readonly header: string | undefined;
  /** Whoever looks at it has enough. */
  readonly isOver?: boolean;
  /** What it takes of the terminal, and how it gives that back; the latter again is fine. */
  begin?(): void;
  close?(): void;
  /** Shows words until it is closed; without, they go to standard error. */
  readonly say?: (words: string) => void;
  /** Undefined: it is not shown. */
  row(record: KernelRecord): ViewRow | undefined;
  /** Called each time that records were looked for: what is shown now. `nowNs`: CLOCK_MONOTONIC. */
  look?(nowNs: bigint): readonly ViewRow[];
  /** An interval is over; times are Unix nanoseconds. */
  interval?(
    gains: readonly Gain[],
    unixNs: bigint,
    histograms: readonly SampleHistogram[],
    listeners?: readonly ListenerFigures[],
  ): readonly ViewRow[];
  /** What is printed when it ends. */
  end?(): readonly ViewRow[];
  /** What its bounds left out, in words; none: nothing. */
  notes?(): readonly string[];
}

/** One thing that happened, for people and for programs. */
export interface ViewRow {
  /** Lines without their ends; the first has the columns. */
  readonly lines: readonly string[];
  /** Names are those of docs/views.md. */
  /** Absent: for people alone. */
  readonly json?: Readonly<Record<string, unknown>>;
}
