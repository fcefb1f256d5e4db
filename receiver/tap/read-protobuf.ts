import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { ServerSpan } from '../model/application-span.ts';
import { SERVER_KIND, serverSpanOf, type PlainValues } from './span-fields.ts';

/** Numbers of the fields that are read (opentelemetry/proto/trace/v1/trace.proto, resource.proto, common.proto). */
const RESOURCE_SPANS = 1;
const [RESOURCE, SCOPE_SPANS, RESOURCE_ATTRIBUTES, SPANS] = [1, 2, 1, 2];
const [TRACE_ID, SPAN_ID, PARENT_SPAN_ID, KIND, START, END, ATTRIBUTES] = [1, 2, 4, 6, 7, 8, 9];
const [KEY, VALUE, TEXT, INTEGER] = [1, 2, 1, 3];

type Field = Uint8Array | bigint;
type Fields = ReadonlyMap<number, readonly Field[]>;

/** The SERVER spans of an `ExportTraceServiceRequest`. @throws Error when the bytes are none */
export function readServerSpans(bytes: Uint8Array): ServerSpan[] {
  return messages(fieldsOf(bytes), RESOURCE_SPANS).flatMap((resourceSpans) => {
    const fields = fieldsOf(resourceSpans);
    const [resource] = messages(fields, RESOURCE);
    const values =
      resource === undefined ? new Map<string, never>() : valuesOf(fieldsOf(resource), RESOURCE_ATTRIBUTES);
    return messages(fields, SCOPE_SPANS)
      .flatMap((scopeSpans) => messages(fieldsOf(scopeSpans), SPANS))
      .flatMap((span) => spanOf(span, values) ?? []);
  });
}

function spanOf(bytes: Uint8Array, resource: PlainValues): ServerSpan | undefined {
  const fields = fieldsOf(bytes);
  if (numberIn(fields, KIND) !== BigInt(SERVER_KIND)) return undefined;
  const hex = (field: number): string => Buffer.from(messages(fields, field)[0] ?? []).toString('hex');
  return serverSpanOf(
    {
      traceId: hex(TRACE_ID),
      spanId: hex(SPAN_ID),
      parentSpanId: hex(PARENT_SPAN_ID),
      startUnixNs: numberIn(fields, START) ?? 0n,
      endUnixNs: numberIn(fields, END) ?? 0n,
      attributes: valuesOf(fields, ATTRIBUTES),
    },
    resource,
  );
}

function valuesOf(fields: Fields, number: number): PlainValues {
  const values = new Map<string, string | number>();
  for (const pair of messages(fields, number)) {
    const pairFields = fieldsOf(pair);
    const [[key], [value]] = [messages(pairFields, KEY), messages(pairFields, VALUE)];
    if (key === undefined || value === undefined) continue;
    const any = fieldsOf(value);
    const [text] = messages(any, TEXT);
    const integer = numberIn(any, INTEGER);
    if (text !== undefined) values.set(Buffer.from(key).toString(), Buffer.from(text).toString());
    else if (integer !== undefined)
      values.set(Buffer.from(key).toString(), Number(BigInt.asIntN(64, integer)));
  }
  return values;
}

function messages(fields: Fields, number: number): Uint8Array[] {
  return (fields.get(number) ?? []).filter((field): field is Uint8Array => typeof field !== 'bigint');
}

function numberIn(fields: Fields, number: number): bigint | undefined {
  return fields.get(number)?.find((field): field is bigint => typeof field === 'bigint');
}

/** Every field of a message by its number: varints and 64-bit integers as numbers, the rest of what is used as bytes. */
function fieldsOf(message: Uint8Array): Fields {
  const reader = new BinaryReader(message);
  const fields = new Map<number, Field[]>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const field = fieldAt(reader, number, type);
    if (field === undefined) continue;
    const known = fields.get(number);
    if (known === undefined) fields.set(number, [field]);
    else known.push(field);
  }
  return fields;
}

function fieldAt(reader: BinaryReader, number: number, type: WireType): Field | undefined {
  if (type === WireType.LengthDelimited) return reader.bytes();
  if (type === WireType.Varint) return BigInt(reader.uint64());
  if (type === WireType.Bit64) return BigInt(reader.fixed64());
  reader.skip(type, number);
  return undefined;
}
