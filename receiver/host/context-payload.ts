/** The most attributes that are taken of a payload. */
const maxAttributes = 128;

const LENGTH_DELIMITED = 2;
/** `ProcessContext.resource`, `Resource.attributes` and `KeyValue.key` have the first number, as has a text in `AnyValue`. */
const FIRST = 1;
const VALUE = 2;

/**
 * The texts among the resource attributes of a `ProcessContext` (opentelemetry.proto.processcontext.v1development).
 * Undefined when the bytes are none.
 */
export function readContextPayload(bytes: Buffer): Map<string, string> | undefined {
  const attributes = new Map<string, string>();
  try {
    for (const resource of parts(bytes, FIRST))
      for (const pair of parts(resource, FIRST)) {
        const key = textIn(pair, FIRST);
        const value = parts(pair, VALUE).map((any) => textIn(any, FIRST))[0];
        if (key !== undefined && key !== '' && value !== undefined) attributes.set(key, value);
        if (attributes.size === maxAttributes) return attributes;
      }
    return attributes;
  } catch {
    return undefined;
  }
}

function textIn(message: Buffer, number: number): string | undefined {
  const [bytes] = parts(message, number);
  return bytes === undefined ? undefined : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** The contents of the fields with this number. @throws RangeError when the bytes are no message */
function parts(message: Buffer, number: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message.readUInt8(at);
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is too long');
  };
  while (at < message.length) {
    const tag = varint();
    const wireType = tag % 8;
    const length = wireType === LENGTH_DELIMITED ? varint() : wireType === 1 ? 8 : wireType === 5 ? 4 : 0;
    if (wireType === 0) varint();
    else if (![1, LENGTH_DELIMITED, 5].includes(wireType)) throw new RangeError('a type is not known');
    if (at + length > message.length) throw new RangeError('a field is cut');
    if (wireType === LENGTH_DELIMITED && Math.floor(tag / 8) === number)
      found.push(message.subarray(at, at + length));
    at += length;
  }
  return found;
}
