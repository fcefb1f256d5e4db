import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { MetricData, ResourceMetrics, ScopeMetrics } from '@opentelemetry/sdk-metrics';
import { encodeExemplars } from './exemplar-encoding.ts';
import type { OtlpRequest } from './transport.ts';

/** One request with many resources. Its `parts` are what must be restored when it fails. */
export interface MetricRequest extends OtlpRequest {
  readonly parts: readonly ResourceMetrics[];
}

/** Bounds of one request. */
export interface RequestBounds {
  readonly maxBytes: number;
  readonly maxPoints: number;
}

/** Below the 4 MiB that collectors accept by default. */
const DEFAULT_BOUNDS: RequestBounds = { maxBytes: 3_000_000, maxPoints: 2000 };

interface EncodedPart {
  readonly part: ResourceMetrics;
  readonly bytes: Uint8Array;
  readonly points: number;
}

/**
 * Encodes collected metrics as requests within the bounds, one at a time as they are asked for.
 * A request is the encodings of its parts one after the other, since a protobuf message with a
 * repeated field is just that. A single point larger than `maxBytes` makes a request of its own.
 */
export function* encodeMetrics(
  collected: readonly ResourceMetrics[],
  bounds: RequestBounds = DEFAULT_BOUNDS,
): IterableIterator<MetricRequest> {
  let batch: EncodedPart[] = [];
  let bytes = 0;
  let points = 0;
  for (const part of collected) {
    for (const encoded of encodePart(part, bounds)) {
      const isFull =
        bytes + encoded.bytes.length > bounds.maxBytes || points + encoded.points > bounds.maxPoints;
      if (isFull && batch.length > 0) {
        yield join(batch);
        [batch, bytes, points] = [[], 0, 0];
      }
      batch.push(encoded);
      bytes += encoded.bytes.length;
      points += encoded.points;
    }
  }
  if (batch.length > 0) yield join(batch);
}

/** The same points in requests of at most half as many. */
export function halvesOf({ parts, items }: MetricRequest): Iterable<MetricRequest> {
  return encodeMetrics(parts, { ...DEFAULT_BOUNDS, maxPoints: Math.ceil(items / 2) });
}

/** Data points in `collected`. */
export function countPoints(collected: readonly ResourceMetrics[]): number {
  let points = 0;
  for (const { scopeMetrics } of collected) {
    for (const { metrics } of scopeMetrics) {
      for (const data of metrics) points += data.dataPoints.length;
    }
  }
  return points;
}

function join(parts: readonly EncodedPart[]): MetricRequest {
  return {
    bytes: Buffer.concat(parts.map((p) => p.bytes)),
    items: parts.reduce((sum, p) => sum + p.points, 0),
    parts: parts.map((p) => p.part),
  };
}

function* encodePart(part: ResourceMetrics, bounds: RequestBounds): IterableIterator<EncodedPart> {
  const points = countPoints([part]);
  if (points === 0) return;
  if (points <= bounds.maxPoints) {
    const encoded = ProtobufMetricsSerializer.serializeRequest(part) ?? new Uint8Array();
    const bytes = encodeExemplars(encoded, part);
    if (bytes.length <= bounds.maxBytes || points === 1) {
      yield { part, bytes, points };
      return;
    }
  }
  const [head, tail] = splitPart(part, Math.min(bounds.maxPoints, Math.ceil(points / 2)));
  yield* encodePart(head, bounds);
  yield* encodePart(tail, bounds);
}

/** The first `count` points of a part, and the rest. */
function splitPart(part: ResourceMetrics, count: number): [ResourceMetrics, ResourceMetrics] {
  const { resource } = part;
  const head: ScopeMetrics[] = [];
  const tail: ScopeMetrics[] = [];
  let room = count;
  for (const { scope, metrics } of part.scopeMetrics) {
    const first: MetricData[] = [];
    const rest: MetricData[] = [];
    for (const data of metrics) {
      const taken = Math.min(room, data.dataPoints.length);
      room -= taken;
      if (taken > 0) first.push(slice(data, 0, taken));
      if (taken < data.dataPoints.length) rest.push(slice(data, taken, data.dataPoints.length));
    }
    if (first.length > 0) head.push({ scope, metrics: first });
    if (rest.length > 0) tail.push({ scope, metrics: rest });
  }
  return [
    { resource, scopeMetrics: head },
    { resource, scopeMetrics: tail },
  ];
}

function slice(data: MetricData, from: number, to: number): MetricData {
  return { ...data, dataPoints: data.dataPoints.slice(from, to) } as MetricData;
}
