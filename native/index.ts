/**
 * libbpf over Node-API: the typed seam.
 *
 * Everything is synchronous and throws {@link NativeError}. Buffers belong to the caller: the
 * addon fills or reads them during the call and keeps none. A session that is no longer
 * referenced is closed by the garbage collector: keep it as long as its programs shall run.
 */
import { availableParallelism } from 'node:os';
import { loadedAddon, native } from './addon.ts';
import type { ClockSample, Handle, LoadAnswer, MapInfo, ProgramInfo, ProgramStats } from './binding.ts';
import { NativeError } from './error.ts';
import { describeMachine, type ProbeAnswer } from './machine.ts';
import { Ring } from './ring.ts';

export type { ClockSample, LoadAnswer, MapInfo, ProgramInfo, ProgramStats } from './binding.ts';
export type { NativeErrorCode } from './error.ts';
export type { ProbeAnswer } from './machine.ts';
export { NativeError } from './error.ts';
export { hideMemory, reduceCapabilities } from './privileges.ts';
export { Ring } from './ring.ts';

/** One BPF object: open → configure → load → attach → close. */
export class BpfSession {
  readonly #handle: Handle;
  readonly #rings = new Map<string, Ring>();

  private constructor(handle: Handle) {
    this.#handle = handle;
  }

  /** Reads the object; nothing is in the kernel before `load`. */
  static open(objectPath: string): BpfSession {
    return new BpfSession(native().open(objectPath));
  }

  programs(): ProgramInfo[] {
    return native().programs(this.#handle);
  }

  /** All maps, the compiler's own (`….rodata`, `….bss`) included. */
  maps(): MapInfo[] {
    return native().maps(this.#handle);
  }

  mapInfo(map: string): MapInfo {
    const info = this.maps().find((candidate) => candidate.name === map);
    if (info !== undefined) return info;
    throw new NativeError(
      `Cannot find map '${map}': the object has none of this name; use a name that the BPF object declares.`,
      { code: 'ERR_NATIVE_UNKNOWN', step: 'find map', object: map },
    );
  }

  /** Whether `load` takes the program; before `load` only. */
  setAutoload(program: string, on: boolean): void {
    native().setAutoload(this.#handle, program, on);
  }

  /**
   * How many instructions the verifier is thought to read of a program; without it, as many as it has. The parts that `load`
   * makes are as heavy as each other by it; before `load` only.
   */
  setWeight(program: string, instructions: number): void {
    native().setWeight(this.#handle, program, instructions);
  }

  /** Before `load` only. A ring's size in bytes is rounded up to a power of two of whole pages. */
  setMaxEntries(map: string, maxEntries: number): void {
    native().setMaxEntries(this.#handle, map, maxEntries);
  }

  /** Writes a global variable, of its exact size; `const volatile` ones before `load` only. */
  setVariable(name: string, value: Uint8Array): void {
    native().setVariable(this.#handle, name, value);
  }

  /** Reads a global variable into a buffer of its exact size. */
  getVariable(name: string, into: Uint8Array): void {
    native().getVariable(this.#handle, name, into);
  }

  /**
   * Begins what `load` ends: creates the maps, and verifies the programs of a large object in threads. Nothing else may be
   * asked of the session meanwhile; `close` waits for the threads.
   */
  beginLoad(mostParts = availableParallelism()): void {
    native().beginLoad(this.#handle, mostParts);
  }

  /**
   * Creates the maps and verifies the programs; those of a large object in up to `mostParts` parts, side by side. On
   * refusal the error's `object` is the program and `verifierLog` says why; the session can then only be closed.
   */
  load(mostParts = availableParallelism()): void {
    native().load(this.#handle, mostParts);
  }

  /**
   * Whether the hook of a program takes programs: one that does nothing is put there for a moment; the cgroup's path is for
   * one of a cgroup. What the verifier says shows at `load`. Undefined where that alone tells: see {@link tryLoad}.
   */
  tryHook(program: string, cgroupPath = ''): LoadAnswer | undefined {
    const errno = native().tryHook(this.#handle, program, cgroupPath);
    if (errno === undefined) return undefined;
    return errno === 0 ? { ok: true } : { ok: false, errno, log: '' };
  }

  /** Attaches by the program's section. Detached by `detach`, `close`, or the end of the process. */
  attach(program: string): void {
    native().attach(this.#handle, program);
  }

  /** @param cgroupPath directory in a cgroup v2 mount */
  attachCgroup(program: string, cgroupPath: string): void {
    native().attachCgroup(this.#handle, program, cgroupPath);
  }

  /** No-op when the program is not attached. */
  detach(program: string): void {
    native().detach(this.#handle, program);
  }

  /** The reader of a ring buffer map; the same one for the same map. Closed with the session. */
  ring(map: string): Ring {
    let ring = this.#rings.get(map);
    if (ring === undefined) {
      ring = new Ring(native().ring(this.#handle, map));
      this.#rings.set(map, ring);
    }
    return ring;
  }

  /**
   * Copies one value; false when the key is absent. Lengths are exact; a per-CPU value is
   * `ceil(valueSize / 8) * 8 * possibleCpus()` bytes.
   */
  lookup(map: string, key: Uint8Array, value: Uint8Array): boolean {
    return native().lookup(this.#handle, map, key, value);
  }

  update(map: string, key: Uint8Array, value: Uint8Array): void {
    native().update(this.#handle, map, key, value);
  }

  /** False when the key is absent. */
  delete(map: string, key: Uint8Array): boolean {
    return native().remove(this.#handle, map, key);
  }

  /**
   * Copies the whole map, entry after entry, and returns how many there are. Throws
   * `ERR_NATIVE_SHORT` when they do not fit: a map that changes during the walk can yield more
   * than `maxEntries`, so give buffers some room above it.
   */
  lookupBatch(map: string, keys: Uint8Array, values: Uint8Array): number {
    return native().lookupBatch(this.#handle, map, keys, values);
  }

  /**
   * Runs an `iter/…` program to its end and returns the bytes that it wrote. When they exceed
   * `into`, throws `ERR_NATIVE_SHORT` with `neededBytes`; the iteration is complete then, too.
   */
  runIterator(program: string, into: Uint8Array, options: { readonly map?: string } = {}): number {
    return native().runIterator(this.#handle, program, options.map ?? '', into);
  }

  /** Runs a `syscall` program once and returns its answer; it may change `context`, its argument. */
  runProgram(program: string, context: Uint8Array): number {
    return native().runProgram(this.#handle, program, context);
  }

  programStats(program: string): ProgramStats {
    return native().programStats(this.#handle, program);
  }

  /** Kernel id of a loaded map, as `bpftool map` shows it. */
  mapId(map: string): number {
    return native().mapId(this.#handle, map);
  }

  /** Detaches all, closes the rings, frees the object. Idempotent. */
  close(): void {
    for (const ring of this.#rings.values()) ring.close();
    native().close(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** CPUs that a per-CPU map has room for. */
export function possibleCpus(): number {
  return native().possibleCpus();
}

/** One jiffy of the running kernel, nanoseconds (1 / `CONFIG_HZ`). */
export function tickNs(): number {
  return native().tickNs();
}

export function probe(): ProbeAnswer {
  return describeMachine(native().mayLoad(), native().hasAtomics());
}

/**
 * Values of an enum of the running kernel by name, e.g. `skb_drop_reason`, or of one without a name by its first
 * member; {} when it has none.
 */
export function kernelEnum(name: string): Record<string, number> {
  return native().kernelEnum(name);
}

/**
 * Arguments of a tracepoint, e.g. `btf_trace_kfree_skb`, without the leading context pointer;
 * undefined when the kernel has no such typedef of a function.
 */
export function kernelFunctionArity(typedef: string): number | undefined {
  return native().kernelFunctionArity(typedef);
}

export function kernelHasType(kind: 'struct' | 'func' | 'typedef', name: string): boolean {
  return native().kernelHasType(kind, name);
}

/** Gives back the memory of the parsed kernel types (some MiB); the next question parses again. */
export function releaseKernelTypes(): void {
  native().releaseKernelTypes();
}

/**
 * Loads one program of an object alone, attaches it where that needs no target or to the cgroup of this path, and
 * undoes it.
 */
export function tryLoad(objectPath: string, program: string, cgroupPath = ''): LoadAnswer {
  return native().tryLoad(objectPath, program, cgroupPath);
}

/** The kernel measures the run time of all BPF programs until the result is closed. */
export function enableBpfStats(): { close(): void } {
  const handle = native().enableStats();
  return { close: () => native().disableStats(handle) };
}

/**
 * Tells the service manager that started this process how it is, e.g. `READY=1`: sd_notify(3). Without one nothing
 * happens. Returns the errno of a message that did not leave, else 0.
 */
export function notifyManager(state: string): number {
  const socket = process.env['NOTIFY_SOCKET'] ?? '';
  return socket === '' ? 0 : native().notify(socket, state);
}

/**
 * The process ends with this status at the latest after so many whole seconds, whatever Node waits for. Nothing happens
 * where no addon was loaded.
 */
export function endWithin(status: number, seconds: number): void {
  loadedAddon()?.endWithin(status, seconds);
}

/** The clocks at one instant: the tightest of several samples. */
export function monotonicToRealtime(): ClockSample {
  return native().clocks();
}
