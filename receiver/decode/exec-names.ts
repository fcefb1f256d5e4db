import { EXEC_NAMES } from './generated/layout.ts';

/** The two variables that name a program, of the environment that it was started with, and whose they are. */
export interface ExecNames {
  /** As of an owner. */
  readonly startNs: bigint;
  readonly execs: number;
  readonly serviceName?: string;
  readonly resourceAttributes?: string;
}

/** Reads `struct exec_names`. */
export function readExecNames(bytes: Uint8Array): ExecNames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** `length` counts the NUL; 0: it is not set. */
  const text = (at: number, length: number): string | undefined =>
    length === 0 ? undefined : new TextDecoder().decode(bytes.subarray(at, at + length - 1));
  const serviceName = text(EXEC_NAMES.name, view.getUint16(EXEC_NAMES.name_bytes, true));
  const resourceAttributes = text(EXEC_NAMES.list, view.getUint16(EXEC_NAMES.list_bytes, true));
  return {
    startNs: view.getBigUint64(EXEC_NAMES.start_ns, true),
    execs: view.getUint32(EXEC_NAMES.execs, true),
    ...(serviceName === undefined ? {} : { serviceName }),
    ...(resourceAttributes === undefined ? {} : { resourceAttributes }),
  };
}
