import { ValueType } from '@opentelemetry/api';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Exemplar } from '../aggregate/exemplar.ts';

/** A point that may have exemplars: only those of the metric store do. */
interface Point {
  readonly exemplars?: readonly Exemplar[];
}

/*
 * Field numbers of opentelemetry/proto/metrics/v1/metrics.proto, from the request down to a point:
 * resource_metrics, scope_metrics, metrics, the data (gauge, sum, histogram, exponential_histogram), data_points.
 */
const path: readonly (readonly number[])[] = [[1], [2], [2], [5, 7, 9, 10], [1]];
/** `exemplars` of the data's points, by the field of the data. */
const exemplarsField: Readonly<Record<number, number>> = { 5: 5, 7: 5, 9: 8, 10: 11 };

const lengthDelimited = 2;
const eightBytes = 1;
const fourBytes = 5;

/**
 * Adds the exemplars of `part` to its encoding: the SDK's serializer writes none. Points are met in the
 * order in which they were written, and a field that is appended to a message belongs to it like any other.
 * Returns `bytes` itself when there are none.
 */
export function encodeExemplars(bytes: Uint8Array, part: ResourceMetrics): Uint8Array {
  const points = part.scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap((data) => data.dataPoints as readonly Point[]),
  );
  if (!points.some(({ exemplars }) => exemplars !== undefined)) return bytes;
  const isInt = part.scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(() => descriptor.valueType === ValueType.INT),
    ),
  );
  let at = 0;
  return rewrite(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0, (point, dataField) => {
    const exemplars = points[at]?.exemplars ?? [];
    const asInt = isInt[at] === true && dataField !== 9;
    at += 1;
    if (exemplars.length === 0) return point;
    const field = exemplarsField[dataField] ?? 0;
    return Buffer.concat([point, ...exemplars.map((e) => delimited(field, encodeExemplar(e, asInt)))]);
  });
}

/** Copies a message; the points in it go through `onPoint`. */
function rewrite(
  message: Buffer,
  depth: number,
  onPoint: (point: Buffer, dataField: number) => Buffer,
  dataField = 0,
): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  while (at < message.length) {
    const from = at;
    const [tag, afterTag] = readVarint(message, at);
    const field = Math.floor(tag / 8);
    const wireType = tag & 7;
    if (wireType !== lengthDelimited) {
      at = skip(message, afterTag, wireType);
      pieces.push(message.subarray(from, at));
      continue;
    }
    const [length, start] = readVarint(message, afterTag);
    at = start + length;
    if (path[depth]?.includes(field) !== true) {
      pieces.push(message.subarray(from, at));
      continue;
    }
    const inner = message.subarray(start, at);
    const isPoint = depth === path.length - 1;
    const changed = isPoint
      ? onPoint(inner, dataField)
      : rewrite(inner, depth + 1, onPoint, depth === path.length - 2 ? field : 0);
    pieces.push(delimited(field, changed));
  }
  return Buffer.concat(pieces);
}

/** `Exemplar`: time_unix_nano 2, as_double 3, span_id 4, trace_id 5, as_int 6. */
function encodeExemplar({ time, value, traceId, spanId }: Exemplar, asInt: boolean): Buffer {
  const fixed = Buffer.alloc(18);
  fixed[0] = (2 << 3) | eightBytes;
  fixed.writeBigUInt64LE(BigInt(time[0]) * 1_000_000_000n + BigInt(time[1]), 1);
  fixed[9] = ((asInt ? 6 : 3) << 3) | eightBytes;
  if (asInt) fixed.writeBigInt64LE(BigInt(Math.round(value)), 10);
  else fixed.writeDoubleLE(value, 10);
  const ids = traceId === undefined || spanId === undefined ? [] : [hex(4, spanId), hex(5, traceId)];
  return Buffer.concat([fixed, ...ids]);
}

function hex(field: number, digits: string): Buffer {
  return delimited(field, Buffer.from(digits, 'hex'));
}

function delimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + lengthDelimited), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** The number (up to 2^53) at `at`, and where the next field goes on. */
function readVarint(message: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  let scale = 1;
  for (let next = at; ; next += 1) {
    const byte = message.readUInt8(next);
    value += (byte & 127) * scale;
    if (byte < 128) return [value, next + 1];
    scale *= 128;
  }
}

function skip(message: Buffer, at: number, wireType: number): number {
  if (wireType === eightBytes) return at + 8;
  if (wireType === fourBytes) return at + 4;
  return readVarint(message, at)[1];
}
