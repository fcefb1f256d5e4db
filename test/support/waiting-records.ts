/** A kernel side without a kernel: it has the records that it was given, and no sums. */
import type { MapImage } from '../../receiver/model/map-image.ts';
import type { KernelSource } from '../../receiver/source/kernel-source.ts';

const NOTHING: MapImage = {
  count: 0,
  keys: new Uint8Array(64),
  values: new Uint8Array(64),
  keySize: 8,
  stride: 8,
};

export interface WaitingRecords {
  readonly source: KernelSource;
  /** A batch for the next draining. */
  give(bytes: Uint8Array): void;
}

export function waitingRecords(): WaitingRecords {
  let waiting: Uint8Array = new Uint8Array(0);
  const source = {
    names: { dropReason: String, resetReason: () => undefined, functionAt: () => undefined },
    hasUnowned: false,
    countsNamespaces: false,
    read: () => NOTHING,
    lookup: () => false,
    delete: () => undefined,
    pass: () => 1,
    countStates: () => [],
    drain(handle: (batch: Uint8Array) => void): number {
      const bytes = waiting;
      waiting = new Uint8Array(0);
      if (bytes.length > 0) handle(bytes);
      return bytes.length;
    },
  };
  return { source: source as unknown as KernelSource, give: (bytes) => void (waiting = bytes) };
}
