/** Walks protobuf messages without making objects of what nobody asked for. */

/** One field: its number, and its bytes (length-delimited, fixed) or its value (a varint up to 2^53). */
export type OnField = (field: number, bytes: Buffer, value: number) => void;

const EMPTY: Buffer = Buffer.alloc(0);

/** Calls `onField` for each field of a message, in order. @throws RangeError on bytes that are cut short */
export function walk(message: Buffer, onField: OnField): void {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const type = tag & 7;
    if (type === 0) {
      onField(tag >>> 3, EMPTY, varint());
      continue;
    }
    const length = type === 1 ? 8 : type === 5 ? 4 : varint();
    if (at + length > message.length) throw new RangeError('the message is cut short');
    onField(tag >>> 3, message.subarray(at, at + length), 0);
    at += length;
  }
}

/** The first field of this number; empty when there is none. */
export function find(message: Buffer, wanted: number): Buffer {
  let found: Buffer = EMPTY;
  walk(message, (field, bytes) => {
    if (field === wanted && found.length === 0) found = bytes;
  });
  return found;
}
