import type { CreateEvents } from '../correlate/record-events.ts';
import type { RecordDecoder } from '../decode/batch.ts';
import type { MapImage } from '../model/map-image.ts';
import type { RareSeries } from '../model/metric-sink.ts';
import type { SlowPacketRecord } from '../model/packets.ts';
import type { RecordHandlers } from '../model/record-handlers.ts';
import type { KernelNames, QueueOverflowRecord } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import type { ConnectionKind, SumsContext } from './context.ts';
import type { CreateExemplars } from './exemplars.ts';
import type { LiveTable } from './live-table.ts';
import type { CommonOptions, KernelFacts, KernelMap, Probe, VariableValue, Wanted } from './kernel.ts';

/**
 * One family of signals: all that belongs to it between the kernel and what is exported. `index.ts` has the list
 * of them; whoever needs something of every family goes through that list, and names none.
 */
export interface Family<O extends object = object> {
  /** Its folder here. */
  readonly name: string;
  /** What it asks of the kernel, for what the settings ask for: a record that nobody needs is never made. */
  options(wanted: Wanted): O;
  readonly probes?: readonly Probe<O>[];
  /** The variables of its programs (bpf/lib/config.bpf.h). */
  variables?(options: CommonOptions & O, facts: KernelFacts): Readonly<Record<string, VariableValue>>;
  readonly kernelMaps?: readonly KernelMap<O>[];
  /** What its programs count losses and records under: of `enum probe_id`, to `wirespan.agent.probe.name`. */
  readonly probeNames?: Readonly<Record<number, string>>;
  /** The records that its programs send. */
  readonly records?: readonly RecordDecoder[];
  /** From what the kernel summed to measurements; made once. */
  sums?(parts: SumsParts): FamilySums;
  /** Counters that rarely count, of a workload that has such connections. */
  rare?(kind: ConnectionKind, optIn: ReadonlySet<string>): readonly RareSeries[];
  /** From records to events and spans; made once. */
  readonly events?: CreateEvents;
  /** From records to exemplars of measurements; made once. */
  readonly exemplars?: CreateExemplars;
}

/** What a family's sums are, while the agent runs. */
export interface FamilySums {
  /** Kernel maps that hold them, in the order that they are read in. */
  readonly maps: readonly SumsMap[];
  /** Records that are counted here, in user space. */
  readonly handlers?: RecordHandlers;
  /** How many a bound kept out since the start, by words that say what and which bound. */
  readonly boundsMet?: Readonly<Record<string, number>>;
  /** A process was met. */
  meet?(owner: Owner): void;
  /** Once a second, and before each collection; CLOCK_MONOTONIC. */
  tick?(nowNs: bigint): void;
  /** Nothing comes any more. */
  end?(): void;
  /** Walks the sockets itself, since more than usual is to be found: the pass's number. Undefined: it need not. */
  pass?(nowNs: bigint): number | undefined;
  /** Sets what is true now: `pass` is the last walk over the sockets. After the maps were read. */
  setGauges?(pass: number): void;
  /** After every reading of the maps, but the last one when the agent stops. */
  settle?(pass: number): void;
  /** Adds what it knows to the live table. */
  show?(table: LiveTable): void;
  /** Processes (`processId`) of which something waits in the kernel that the next collection reads. */
  awaited?(): Iterable<string>;
}

/** A kernel map of sums. */
export interface SumsMap {
  readonly map: string;
  /** Read between collections too: what a live view shows. */
  readonly isReadOften?: boolean;
  /** Adds what each row gained. */
  update(image: MapImage): void;
  /** Its keys begin with `struct owner_key`, and a row goes when its owner ended, or nobody used it for long. */
  readonly rows?: OwnedRows;
}

/** How rows of processes are taken out. */
export interface OwnedRows {
  /** Bytes of a value. */
  readonly size: number;
  /** Where the cell lies that changes with each use of a row; in a row that is one count, the count itself. */
  readonly useAt: number;
  /** The cell of use is CLOCK_MONOTONIC: `isHeld` says how long a row was quiet. */
  readonly isTimed?: boolean;
  /** The rows as they were read last; absent: nothing but counts is kept of them, and the map is read. */
  known?(): Iterable<KnownRow>;
  /** The row must stay. */
  isHeld?(id: string, asked: RowQuestion): boolean;
  /** Adds what one row gained, its last; absent: `update` does. */
  updateLast?(image: MapImage): void;
  /** The kernel no longer has the row; it may begin anew from zero. */
  forget(id: string): void;
}

/** A row as it was read last. */
export interface KnownRow {
  /** `rowId` of its key. */
  readonly id: string;
  readonly key: Uint8Array;
  readonly owner: Owner;
  /** Its cell of use. */
  readonly use: number;
  /** It holds what found no row of its own. */
  readonly isOverflow: boolean;
}

/** What is asked of a row before it is taken out. */
export interface RowQuestion {
  /** CLOCK_MONOTONIC. */
  readonly nowNs: number;
  /** Not used for so long it may go. */
  readonly quietNs: number;
  /** Its process ended; else it is only quiet. */
  readonly isEnded: boolean;
}

/** What sums ask of the rest. */
export interface SumsParts {
  readonly context: SumsContext;
  readonly kernel: SumsKernel;
  readonly host: SumsHost;
  /** A listener's queue was full. */
  overflow(record: QueueOverflowRecord): void;
  /** Packets that are followed on their way at once. */
  readonly maxWays: number;
  /** Packets that a stage held longer than so many milliseconds; absent: nobody asks for them. */
  readonly slowPackets?: { readonly aboveMs: number; tell(record: SlowPacketRecord): void } | undefined;
  /** CLOCK_MONOTONIC, nanoseconds. */
  now(): bigint;
}

/** The kernel's side, by what sums need of it. */
export interface SumsKernel {
  readonly names: KernelNames;
  /** Network namespaces are counted in `listen_namespaces`; else what they count is to be had from the host alone. */
  readonly countsNamespaces: boolean;
  /** Drops without a socket were counted that no pass has looked at yet. */
  readonly hasUnowned: boolean;
  /** The whole map, valid until it is read again. */
  read(map: string): MapImage;
  delete(map: string, key: Uint8Array): void;
  /** A pass that also finds the owners of drops without a socket. */
  passForUnowned(nowNs: bigint): { readonly pass: number; readonly bank: number };
  /** Sockets by kernel state number. */
  countStates(): readonly number[];
}

/** The host's side. */
export interface SumsHost {
  /** Counters of a network namespace, read through a process in it; undefined when it is not there. */
  listenCounters(
    pid: number,
    netns: number,
  ): { readonly acceptOverflows: number; readonly cookies: number; readonly synDrops: number } | undefined;
  /** Whether the namespace takes packets for this address; asked through a process in it. */
  isLocal(
    end: { readonly netns: number; readonly family: number; readonly address: Uint8Array },
    pid: number,
  ): boolean;
  /** Addresses may have changed: what is remembered of them is read again. */
  forgetAddresses(): void;
}
