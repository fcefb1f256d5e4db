import type { NativeError } from './error.ts';

/** An external of the addon; its type tag is checked on every call. */
export type Handle = object;

/** A program as the object declares it. */
export interface ProgramInfo {
  readonly name: string;
  /** ELF section, e.g. `tp_btf/inet_sock_set_state`. */
  readonly section: string;
  /** As libbpf names it, e.g. `tracing`, `raw_tracepoint`; '' when unknown to it. */
  readonly type: string;
  readonly expectedAttachType: string;
}

/** A map as the object declares it; sizes in bytes. */
export interface MapInfo {
  readonly name: string;
  /** As libbpf names it, e.g. `hash`, `percpu_hash`, `ringbuf`. */
  readonly type: string;
  readonly keySize: number;
  /** One CPU's part for a per-CPU map. */
  readonly valueSize: number;
  readonly maxEntries: number;
}

/** The kernel's account of one program since it was loaded. */
export interface ProgramStats {
  /** Zero unless `enableBpfStats` is open or the sysctl is on. */
  readonly runTimeNs: bigint;
  readonly runs: bigint;
  /** Runs skipped because the program would have interrupted itself on the same CPU. */
  readonly recursionMisses: bigint;
  readonly verifiedInsns: number;
  readonly id: number;
  readonly jitedLength: number;
}

/** The answer to "does this program load (and attach) here". */
export type LoadAnswer =
  { readonly ok: true } | { readonly ok: false; readonly errno: number; readonly log: string };

/** One instant on three clocks, nanoseconds. */
export interface ClockSample {
  readonly monotonicNs: bigint;
  readonly realtimeNs: bigint;
  readonly boottimeNs: bigint;
}

export interface RingState {
  readonly size: number;
  readonly unread: number;
  readonly records: number;
  readonly misframed: number;
}

/**
 * The addon's export table (src/addon.cc). All calls are synchronous. Buffers belong to the
 * caller; the addon keeps none of them after it returns.
 */
export interface Binding {
  setErrorClass(errorClass: typeof NativeError): void;
  open(objectPath: string): Handle;
  close(session: Handle): void;
  programs(session: Handle): ProgramInfo[];
  maps(session: Handle): MapInfo[];
  setAutoload(session: Handle, program: string, on: boolean): void;
  setWeight(session: Handle, program: string, instructions: number): void;
  setMaxEntries(session: Handle, map: string, maxEntries: number): void;
  setVariable(session: Handle, name: string, value: Uint8Array): void;
  getVariable(session: Handle, name: string, into: Uint8Array): void;
  beginLoad(session: Handle, mostParts: number): void;
  load(session: Handle, mostParts: number): void;
  attach(session: Handle, program: string): void;
  attachCgroup(session: Handle, program: string, cgroupPath: string): void;
  detach(session: Handle, program: string): void;
  runIterator(session: Handle, program: string, map: string, into: Uint8Array): number;
  runProgram(session: Handle, program: string, context: Uint8Array): number;
  lookup(session: Handle, map: string, key: Uint8Array, value: Uint8Array): boolean;
  update(session: Handle, map: string, key: Uint8Array, value: Uint8Array): void;
  remove(session: Handle, map: string, key: Uint8Array): boolean;
  lookupBatch(session: Handle, map: string, keys: Uint8Array, values: Uint8Array): number;
  mapId(session: Handle, map: string): number;
  programStats(session: Handle, program: string): ProgramStats;
  ring(session: Handle, map: string): Handle;
  drain(ring: Handle, into: Uint8Array): number;
  onReadable(ring: Handle, callback: () => void): void;
  ringState(ring: Handle): RingState;
  closeRing(ring: Handle): void;
  /** `cgroupPath`: '' for none. */
  tryLoad(objectPath: string, program: string, cgroupPath: string): LoadAnswer;
  /** The errno with which the hook refuses, 0 when it takes programs; undefined where the program itself must be tried. */
  tryHook(session: Handle, program: string, cgroupPath: string): number | undefined;
  mayLoad(): boolean;
  /** Whether programs may compare and exchange. */
  hasAtomics(): boolean;
  reduceThread(thread: number, low: number, high: number): boolean;
  hideMemory(): void;
  /** The process ends with the status after so many seconds, if it is there still; 0 or the errno. */
  endWithin(status: number, seconds: number): number;
  /** Sends a datagram to a socket in the file system, or `@` and an abstract name; 0 or the errno. */
  notify(path: string, text: string): number;
  possibleCpus(): number;
  tickNs(): number;
  clocks(): ClockSample;
  kernelEnum(name: string): Record<string, number>;
  kernelFunctionArity(typedef: string): number | undefined;
  kernelHasType(kind: string, name: string): boolean;
  releaseKernelTypes(): void;
  enableStats(): Handle;
  disableStats(stats: Handle): void;
}
