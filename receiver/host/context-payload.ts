import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** The most attributes that are taken of a payload. */
const maxAttributes = 128;

/** How threads publish their context, and which of its versions it is (OTEP 4947). */
const SCHEMA = 'threadlocal.schema_version';

/** `ProcessContext.resource`, `Resource.attributes` and `KeyValue.key` have the first number, as has a text in `AnyValue`; `ProcessContext.attributes` and `KeyValue.value` the second. */
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

/** `threadlocal.schema_version` among the `attributes` of a `ProcessContext`. Undefined when it does not say, or is none. */
export function readThreadSchema(bytes: Buffer): string | undefined {
  try {
    const pair = parts(bytes, VALUE).find((one) => textIn(one, FIRST) === SCHEMA);
    return pair && parts(pair, VALUE).map((any) => textIn(any, FIRST))[0];
  } catch {
    return undefined;
  }
}

function textIn(message: Uint8Array, number: number): string | undefined {
  const [bytes] = parts(message, number);
  return bytes === undefined ? undefined : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** The contents of the fields with this number. @throws Error when the bytes are no message */
function parts(message: Uint8Array, number: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, field);
  }
  return found;
}
