/** Codes of {@link NativeError}. */
export type NativeErrorCode =
  /** The addon is not built or does not load. */
  | 'ERR_NATIVE_MISSING'
  /** An argument has the wrong type. */
  | 'ERR_NATIVE_ARGUMENT'
  /** The call does not fit the state: closed, not loaded, already loaded, already attached. */
  | 'ERR_NATIVE_STATE'
  /** No program, map or variable of that name. */
  | 'ERR_NATIVE_UNKNOWN'
  /** A map of another type is needed. */
  | 'ERR_NATIVE_KIND'
  /** A buffer has not the exact length; `neededBytes` says which. */
  | 'ERR_NATIVE_SIZE'
  /** A buffer is too small for what the kernel gave; `neededBytes` is set where it is known. */
  | 'ERR_NATIVE_SHORT'
  | 'ERR_NATIVE_OPEN'
  | 'ERR_NATIVE_LOAD'
  | 'ERR_NATIVE_ATTACH'
  | 'ERR_NATIVE_MAP'
  | 'ERR_NATIVE_ITERATOR'
  | 'ERR_NATIVE_PROGRAM'
  | 'ERR_NATIVE_STATS'
  /** Capabilities could not be given up. */
  | 'ERR_NATIVE_PRIVILEGE'
  /** The kernel has no readable BTF. */
  | 'ERR_NATIVE_BTF';

/** What the addon knows of a failure besides its message. */
export interface NativeErrorDetails {
  readonly code: NativeErrorCode;
  /** What was being done, e.g. `load program`. */
  readonly step: string;
  readonly errno?: number;
  readonly object?: string;
  readonly verifierLog?: string;
  readonly neededBytes?: number;
}

/** Every error of `native/`: one sentence with step, object, cause and what to do. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  readonly code: NativeErrorCode;
  readonly step: string;
  /** Positive kernel errno; libbpf's own codes start at 4000. */
  declare readonly errno?: number;
  /** Program, map, variable or path. */
  declare readonly object?: string;
  /** The verifier's log (its last 256 KiB), else what libbpf said. Not enumerable: it is long. */
  declare readonly verifierLog?: string;
  /** The least size of the buffer with which the call would have succeeded. */
  declare readonly neededBytes?: number;

  constructor(message: string, details: NativeErrorDetails, options?: ErrorOptions) {
    super(message, options);
    this.code = details.code;
    this.step = details.step;
    if (details.errno !== undefined) this.errno = details.errno;
    if (details.object !== undefined) this.object = details.object;
    if (details.verifierLog !== undefined) {
      Object.defineProperty(this, 'verifierLog', { value: details.verifierLog });
    }
    if (details.neededBytes !== undefined) this.neededBytes = details.neededBytes;
  }
}
