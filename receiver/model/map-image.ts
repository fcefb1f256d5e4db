/** A whole kernel map as it was at one moment: `count` keys and values back to back. */
export interface MapImage {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  /** Bytes of a key. */
  readonly keySize: number;
  /** Bytes between values; of all CPUs together for a per-CPU map. */
  readonly stride: number;
}
