import { processIdAt } from '../decode/owners.ts';
import { OWNER_KEY } from '../decode/generated/layout.ts';
import { processId, rowId } from '../model/ids.ts';
import { rowsOf, type MapImage } from '../model/map-image.ts';
import type { OwnedRows, SumsMap } from '../signals/family.ts';

/** A map with rows of processes. */
export type OwnedMap = SumsMap & { readonly rows: OwnedRows };

/** The kernel's side, by what taking rows out needs of it. */
export interface RowsKernel {
  /** Reads a whole kernel map. */
  read(map: string): MapImage;
  /** Fills `value`; false when there is no such row. */
  lookup(map: string, key: Uint8Array, value: Uint8Array): boolean;
  /** Takes a row of sums out, unless its cell of use is no longer `seen` (8 bytes): then false. */
  takeRow(map: string, key: Uint8Array, seen: Uint8Array): boolean;
}

export interface OwnedMapParts {
  readonly kernel: RowsKernel;
  readonly maps: readonly OwnedMap[];
}

/** A row that may be taken out. */
export interface OwnedRow {
  readonly id: string;
  readonly key: Uint8Array;
  /** `processId` */
  readonly owner: string;
  /** Its cell of use, as read last. */
  readonly use: number;
  /** Only told of rows that are kept. */
  readonly isOverflow?: boolean;
}

/** Every row of the map, as read last; rows of which counts alone are kept are read anew. */
export function* ownedRows({ map, rows }: OwnedMap, kernel: Pick<RowsKernel, 'read'>): Generator<OwnedRow> {
  if (rows.known !== undefined) {
    for (const row of rows.known()) yield { ...row, owner: processId(row.owner) };
    return;
  }
  for (const row of rowsOf(kernel.read(map))) {
    const { keys, keyAt, values, valueAt } = row;
    const key = row.key();
    yield {
      id: rowId(key),
      key,
      owner: processIdAt(keys, keyAt),
      use: Number(values.getBigUint64(valueAt + rows.useAt, true)),
    };
  }
}

/** The pid that the key of a row begins with; 0: the row is nobody's. */
export function pidOf({ key }: OwnedRow): number {
  return new DataView(key.buffer, key.byteOffset).getUint32(OWNER_KEY.pid, true);
}

/** A row that was read once more, and what it gained added: its last, if it can be taken. */
export class LastLook {
  readonly #kernel: RowsKernel;
  readonly #map: OwnedMap;
  readonly #key: Uint8Array;
  readonly #value: Uint8Array | undefined;

  constructor(kernel: RowsKernel, map: OwnedMap, { key }: OwnedRow) {
    const values = new Uint8Array(map.rows.size);
    const isThere = kernel.lookup(map.map, key, values);
    this.#kernel = kernel;
    this.#map = map;
    this.#key = key;
    this.#value = isThere ? values : undefined;
    if (!isThere) return;
    const image = { count: 1, keys: key, values, keySize: key.length, stride: values.length };
    if (map.rows.updateLast === undefined) map.update(image);
    else map.rows.updateLast(image);
  }

  /** Its cell of use; undefined: the row is not there any more. */
  get use(): number | undefined {
    const { useAt } = this.#map.rows;
    return this.#value && Number(new DataView(this.#value.buffer).getBigUint64(useAt, true));
  }

  /** Takes it out; false: it was used meanwhile. */
  take(): boolean {
    const { map, rows } = this.#map;
    const seen = this.#value?.subarray(rows.useAt, rows.useAt + 8);
    return seen === undefined || this.#kernel.takeRow(map, this.#key, seen);
  }
}
