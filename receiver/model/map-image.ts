import { rowId } from './ids.ts';

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

/** The row that a loop over an image is at. It moves on with the loop: what is kept of it must be copied. */
export class MapRow {
  readonly image: MapImage;
  /** All keys and all values: those of this row begin at `keyAt` and `valueAt`. */
  readonly keys: DataView;
  readonly values: DataView;
  keyAt = 0;
  valueAt = 0;

  constructor(image: MapImage) {
    const { keys, values } = image;
    this.image = image;
    this.keys = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
    this.values = new DataView(values.buffer, values.byteOffset, values.byteLength);
  }

  get id(): string {
    return rowId(this.image.keys.subarray(this.keyAt, this.keyAt + this.image.keySize));
  }

  /** A copy. */
  key(): Uint8Array {
    return this.image.keys.slice(this.keyAt, this.keyAt + this.image.keySize);
  }

  /** Valid until the map is read again. */
  value(): Uint8Array {
    return this.image.values.subarray(this.valueAt, this.valueAt + this.image.stride);
  }
}

/** The rows of an image, one after the other, in one object that moves. */
export function* rowsOf(image: MapImage): Generator<MapRow> {
  const row = new MapRow(image);
  for (let i = 0; i < image.count; i += 1) {
    row.keyAt = i * image.keySize;
    row.valueAt = i * image.stride;
    yield row;
  }
}
