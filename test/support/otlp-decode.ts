/** A reader of OTLP requests for tests: protobuf by a table of fields, written from the OTLP .proto files. */

export type KeyValues = Record<string, unknown>;

export interface DecodedExemplar {
  timeUnixNano: bigint;
  asInt?: bigint;
  asDouble?: number;
  traceId: string;
  spanId: string;
}

export interface DecodedPoint {
  attributes: KeyValues;
  startTimeUnixNano: bigint;
  timeUnixNano: bigint;
  asInt?: bigint;
  asDouble?: number;
  count?: bigint;
  sum?: number;
  bucketCounts?: bigint[];
  explicitBounds?: number[];
  exemplars?: DecodedExemplar[];
  min?: number;
  max?: number;
}

export interface DecodedMetric {
  name: string;
  unit: string;
  description: string;
  gauge?: { dataPoints: DecodedPoint[] };
  sum?: { dataPoints: DecodedPoint[]; aggregationTemporality: number; isMonotonic: boolean };
  histogram?: { dataPoints: DecodedPoint[]; aggregationTemporality: number };
}

export interface DecodedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  attributes: KeyValues;
  links: { traceId: string; spanId: string; flags: number }[];
  status: { code: number; message: string };
  flags: number;
}

export interface DecodedLogRecord {
  timeUnixNano: bigint;
  observedTimeUnixNano: bigint;
  severityNumber: number;
  severityText: string;
  attributes: KeyValues;
  flags: number;
  traceId: string;
  spanId: string;
  eventName: string;
}

/** Something with the resource and the scope that it came with. */
export type Placed<T> = T & { resource: KeyValues; scope: { name: string; version: string } };

type Kind =
  'string' | 'hex' | 'varint' | 'bool' | 'fixed32' | 'fixed64' | 'double' | 'fixed64s' | 'doubles' | Message;
/** Field number → [name, kind, 'many' for repeated messages, 'map' for attributes]. */
interface Message {
  readonly [field: number]: readonly [name: string, kind: Kind | (() => Message), form?: 'many' | 'map'];
}

const anyValue: Message = {
  1: ['string', 'string'],
  2: ['bool', 'bool'],
  3: ['int', 'varint'],
  4: ['double', 'double'],
  5: ['array', () => ({ 1: ['values', anyValue, 'many'] })],
};
const keyValue: Message = { 1: ['key', 'string'], 2: ['value', anyValue] };
const resource: Message = { 1: ['attributes', keyValue, 'map'] };
const scope: Message = { 1: ['name', 'string'], 2: ['version', 'string'] };

const exemplar: Message = {
  2: ['timeUnixNano', 'fixed64'],
  3: ['asDouble', 'double'],
  4: ['spanId', 'hex'],
  5: ['traceId', 'hex'],
  6: ['asInt', 'fixed64'],
};
const point: Message = {
  2: ['startTimeUnixNano', 'fixed64'],
  3: ['timeUnixNano', 'fixed64'],
  4: ['asDouble', 'double'],
  5: ['exemplars', exemplar, 'many'],
  6: ['asInt', 'fixed64'],
  7: ['attributes', keyValue, 'map'],
};
const histogramPoint: Message = {
  2: ['startTimeUnixNano', 'fixed64'],
  3: ['timeUnixNano', 'fixed64'],
  4: ['count', 'fixed64'],
  5: ['sum', 'double'],
  6: ['bucketCounts', 'fixed64s'],
  7: ['explicitBounds', 'doubles'],
  8: ['exemplars', exemplar, 'many'],
  9: ['attributes', keyValue, 'map'],
  11: ['min', 'double'],
  12: ['max', 'double'],
};
const metric: Message = {
  1: ['name', 'string'],
  2: ['description', 'string'],
  3: ['unit', 'string'],
  5: ['gauge', { 1: ['dataPoints', point, 'many'] }],
  7: [
    'sum',
    { 1: ['dataPoints', point, 'many'], 2: ['aggregationTemporality', 'varint'], 3: ['isMonotonic', 'bool'] },
  ],
  9: ['histogram', { 1: ['dataPoints', histogramPoint, 'many'], 2: ['aggregationTemporality', 'varint'] }],
};
const link: Message = { 1: ['traceId', 'hex'], 2: ['spanId', 'hex'], 6: ['flags', 'fixed32'] };
const span: Message = {
  1: ['traceId', 'hex'],
  2: ['spanId', 'hex'],
  4: ['parentSpanId', 'hex'],
  5: ['name', 'string'],
  6: ['kind', 'varint'],
  7: ['startTimeUnixNano', 'fixed64'],
  8: ['endTimeUnixNano', 'fixed64'],
  9: ['attributes', keyValue, 'map'],
  13: ['links', link, 'many'],
  15: ['status', { 2: ['message', 'string'], 3: ['code', 'varint'] }],
  16: ['flags', 'fixed32'],
};
const logRecord: Message = {
  1: ['timeUnixNano', 'fixed64'],
  2: ['severityNumber', 'varint'],
  3: ['severityText', 'string'],
  6: ['attributes', keyValue, 'map'],
  8: ['flags', 'fixed32'],
  9: ['traceId', 'hex'],
  10: ['spanId', 'hex'],
  11: ['observedTimeUnixNano', 'fixed64'],
  12: ['eventName', 'string'],
};

function requestOf(item: Message): Message {
  const perScope: Message = { 1: ['scope', scope], 2: ['items', item, 'many'] };
  return { 1: ['resources', { 1: ['resource', resource], 2: ['scopes', perScope, 'many'] }, 'many'] };
}

const requests = { metrics: requestOf(metric), traces: requestOf(span), logs: requestOf(logRecord) };

interface Decoded {
  resources: {
    resource: { attributes: KeyValues };
    scopes: { scope: { name: string; version: string }; items: object[] }[];
  }[];
}

/** The metrics, spans or log records of a request. Throws on bytes that are no such request. */
export function decodeRequest(signal: 'metrics', bytes: Uint8Array): Placed<DecodedMetric>[];
export function decodeRequest(signal: 'traces', bytes: Uint8Array): Placed<DecodedSpan>[];
export function decodeRequest(signal: 'logs', bytes: Uint8Array): Placed<DecodedLogRecord>[];
export function decodeRequest(signal: 'metrics' | 'traces' | 'logs', bytes: Uint8Array): Placed<object>[] {
  const { resources } = decode(requests[signal], Buffer.from(bytes)) as unknown as Decoded;
  return resources.flatMap((r) =>
    r.scopes.flatMap((s) =>
      s.items.map((item) => ({ ...item, resource: r.resource.attributes, scope: s.scope })),
    ),
  );
}

function decode(message: Message, bytes: Buffer): Record<string, unknown> {
  const out: Record<string, unknown> = defaults(message);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [name, lazyKind, form] = message[tag >> 3] ?? [];
    const kind = typeof lazyKind === 'function' ? lazyKind() : lazyKind;
    let raw: bigint | Buffer;
    if ((tag & 7) === 0) raw = varint();
    else {
      const length = (tag & 7) === 1 ? 8 : (tag & 7) === 5 ? 4 : Number(varint());
      if (at + length > bytes.length) throw new RangeError('the message is cut short');
      raw = bytes.subarray(at, at + length);
      at += length;
    }
    if (name === undefined || kind === undefined) continue;
    put(out, name, valueOf(kind, raw), form);
  }
  return out;
}

function defaults(message: Message): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, kind, form] of Object.values(message) as Message[number][]) {
    if (name === 'exemplars') continue;
    if (form !== undefined) out[name] = form === 'many' ? [] : {};
    else if (message === point || message === histogramPoint || message === anyValue) continue;
    else if (kind === 'string' || kind === 'hex') out[name] = '';
    else if (kind === 'varint' || kind === 'fixed32') out[name] = 0;
    else if (kind === 'bool') out[name] = false;
  }
  return out;
}

function put(
  out: Record<string, unknown>,
  name: string,
  value: unknown,
  form: 'many' | 'map' | undefined,
): void {
  if (form === 'many') ((out[name] ??= []) as unknown[]).push(value);
  else if (form === 'map') {
    const { key, value: boxed } = value as { key: string; value: KeyValues };
    (out[name] as KeyValues)[key] = unbox(boxed);
  } else out[name] = value;
}

function unbox(boxed: KeyValues): unknown {
  const [value] = Object.values(boxed);
  const values = (value as { values?: KeyValues[] } | undefined)?.values;
  return values === undefined ? value : values.map(unbox);
}

function valueOf(kind: Kind, raw: bigint | Buffer): unknown {
  if (typeof raw === 'bigint') return kind === 'bool' ? raw !== 0n : Number(raw);
  switch (kind) {
    case 'string':
      return raw.toString();
    case 'hex':
      return raw.toString('hex');
    case 'fixed32':
      return raw.readUInt32LE();
    case 'fixed64':
      return raw.readBigInt64LE();
    case 'double':
      return raw.readDoubleLE();
    case 'fixed64s':
      return Array.from({ length: raw.length / 8 }, (_, i) => raw.readBigUInt64LE(i * 8));
    case 'doubles':
      return Array.from({ length: raw.length / 8 }, (_, i) => raw.readDoubleLE(i * 8));
    default:
      return decode(kind as Message, raw);
  }
}
