/**
 * What changed of a kernel map since it was read last. The body of such an entry: u8 1: the last part of this reading,
 * else 0; u8 length, the map's name; u16 bytes of a key; u32 bytes of a value; u32 how many rows are new or changed;
 * their keys, then their values; the keys of the rows that went.
 */
import { rowId } from '../model/ids.ts';
import { rowsOf, type MapImage } from '../model/map-image.ts';

/** A part has no more rows than fit into so much. */
const PART_BYTES = 4 << 20;
/** Lengths before the name, and after it. */
const [LEAD_BYTES, COUNT_BYTES] = [2, 10];
/** More rows than any map has. */
const MAX_ROWS = 1 << 20;

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface RowChanges {
  readonly map: string;
  readonly isLast: boolean;
  readonly keySize: number;
  readonly stride: number;
  readonly changed: readonly Row[];
  readonly gone: readonly Uint8Array[];
}

/** A map's rows as they were recorded last, by `rowId`. No more than the kernel's map has. */
export class KnownRows {
  #rows = new Map<string, Row>();
  #shape: Pick<MapImage, 'keySize' | 'stride'> = { keySize: 0, stride: 0 };
  #image: MapImage | undefined;

  /** The bytes of the entries that tell how it is now. */
  difference(map: string, image: MapImage): Uint8Array[] {
    const now = new Map<string, Row>();
    const changed: Row[] = [];
    for (const row of rowsOf(image)) {
      const { id } = row;
      const before = this.#rows.get(id);
      const isSame = before !== undefined && Buffer.compare(before.value, row.value()) === 0;
      const kept = isSame ? before : { key: row.key(), value: row.value().slice() };
      if (!isSame) changed.push(kept);
      now.set(id, kept);
    }
    const gone = [...this.#rows].flatMap(([id, { key }]) => (now.has(id) ? [] : [key]));
    this.#rows = now;
    return encodeRows({ map, keySize: image.keySize, stride: image.stride, changed, gone });
  }

  /** False: there are more than any map has. */
  apply({ keySize, stride, changed, gone }: RowChanges): boolean {
    this.#image = undefined;
    if (keySize !== this.#shape.keySize || stride !== this.#shape.stride) this.#rows.clear();
    this.#shape = { keySize, stride };
    for (const row of changed) this.#rows.set(rowId(row.key), row);
    for (const key of gone) this.#rows.delete(rowId(key));
    return this.#rows.size <= MAX_ROWS;
  }

  value(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(rowId(key))?.value;
  }

  get image(): MapImage {
    if (this.#image !== undefined) return this.#image;
    const { keySize, stride } = this.#shape;
    const keys = new Uint8Array((this.#rows.size + 1) * keySize);
    const values = new Uint8Array((this.#rows.size + 1) * stride);
    let count = 0;
    for (const { key, value } of this.#rows.values()) {
      keys.set(key, count * keySize);
      values.set(value, count * stride);
      count += 1;
    }
    this.#image = { count, keys, values, keySize, stride };
    return this.#image;
  }
}

function encodeRows({ map, keySize, stride, changed, gone }: Omit<RowChanges, 'isLast'>): Uint8Array[] {
  const most = Math.max(1, Math.floor(PART_BYTES / (keySize + stride)));
  const parts: Uint8Array[] = [];
  for (let from = 0; from === 0 || from < changed.length; from += most) {
    const rows = changed.slice(from, from + most);
    const isLast = from + most >= changed.length;
    const name = Buffer.from(map, 'latin1');
    const head = Buffer.alloc(LEAD_BYTES + name.length + COUNT_BYTES);
    head[0] = Number(isLast);
    head[1] = name.length;
    name.copy(head, LEAD_BYTES);
    head.writeUInt16LE(keySize, LEAD_BYTES + name.length);
    head.writeUInt32LE(stride, LEAD_BYTES + name.length + 2);
    head.writeUInt32LE(rows.length, LEAD_BYTES + name.length + 6);
    const went = isLast ? gone : [];
    parts.push(
      Buffer.concat([head, ...rows.map(({ key }) => key), ...rows.map(({ value }) => value), ...went]),
    );
  }
  return parts;
}

/** Undefined: it is no such entry. */
export function decodeRows(body: Uint8Array): RowChanges | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const at = LEAD_BYTES + (body[1] ?? 0);
  if (body.length < at + COUNT_BYTES) return undefined;
  const keySize = view.getUint16(at, true);
  const stride = view.getUint32(at + 2, true);
  const count = view.getUint32(at + 6, true);
  const keysAt = at + COUNT_BYTES;
  const valuesAt = keysAt + count * keySize;
  const goneAt = valuesAt + count * stride;
  if (keySize === 0 || goneAt > body.length) return undefined;
  const slices = (from: number, size: number, number: number): Uint8Array[] =>
    Array.from({ length: number }, (_, i) => body.slice(from + i * size, from + (i + 1) * size));
  const keys = slices(keysAt, keySize, count);
  const values = slices(valuesAt, stride, count);
  const left = (body.length - goneAt) / keySize;
  if (!Number.isInteger(left)) return undefined;
  return {
    map: Buffer.from(body.subarray(LEAD_BYTES, at)).toString('latin1'),
    isLast: body[0] === 1,
    keySize,
    stride,
    changed: keys.map((key, i) => ({ key, value: values[i] ?? new Uint8Array(stride) })),
    gone: slices(goneAt, keySize, left),
  };
}
