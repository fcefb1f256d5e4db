import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { ThreadSchema } from './thread-schema.ts';

/** The most attributes that are taken of a payload. */
const maxAttributes = 128;

/** How threads publish their context (OTEP 4947), and which of its versions it is. */
const THREADS = 'threadlocal.';
const VERSION = 'schema_version';

/** `ProcessContext.resource`, `Resource.attributes` and `KeyValue.key` have the first number, as has a text in `AnyValue`; `ProcessContext.attributes` and `KeyValue.value` the second; a whole number in `AnyValue` the third. */
const FIRST = 1;
const VALUE = 2;
const INT = 3;

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

/** `threadlocal.*` among the `attributes` of a `ProcessContext`. Undefined when it does not say, or is none. */
export function readThreadSchema(bytes: Buffer): ThreadSchema | undefined {
  const numbers = new Map<string, number>();
  let version: string | undefined;
  try {
    for (const pair of parts(bytes, VALUE).slice(0, maxAttributes)) {
      const key = textIn(pair, FIRST) ?? '';
      const [any] = parts(pair, VALUE);
      if (any === undefined || !key.startsWith(THREADS)) continue;
      const name = key.slice(THREADS.length);
      const number = numberIn(any);
      if (name === VERSION) version = textIn(any, FIRST);
      else if (number !== undefined) numbers.set(name, number);
    }
  } catch {
    return undefined;
  }
  return version === undefined ? undefined : { version, numbers };
}

/** Undefined: there is no whole number. Beyond 2^53 it is not exact. */
function numberIn(any: Uint8Array): number | undefined {
  const reader = new BinaryReader(any);
  let found: number | undefined;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === INT && type === WireType.Varint) found = Number(reader.int64());
    else reader.skip(type, field);
  }
  return found;
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
