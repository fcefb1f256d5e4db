import { BoundedCache } from '../model/bounded-cache.ts';
import { socketId } from '../model/ids.ts';
import type { Http2Record } from '../model/http2-record.ts';
import type { RequestContext, SignalRecord } from '../model/record.ts';
import { HpackDecoder, HpackError } from './hpack.ts';

/** Each may hold a table and a block, at most. */
const maxConnections = 1_000;
/** Contexts of streams, of all connections together: some 300 bytes each. */
const maxStreams = 50_000;
const maxTableBytes = 16_384;
const maxBlockBytes = 16_384;

const [HEADERS, CONTINUATION] = [1, 9];
const [END_HEADERS, PADDED, PRIORITY] = [0x4, 0x8, 0x20];
const PRIORITY_BYTES = 5;

const pattern = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** How a stream's context gets to its bytes: those of the client that it begins with, or of the server that answers. */
type StreamMethod = 'h2_header' | 'h2_stream';

/** Header blocks by outcome: `wirespan.agent.correlation.lookups`. */
export interface StreamCounters {
  /** A request with a valid context. */
  hit: number;
  /** One without. */
  miss: number;
  /** One with a context that is not valid, or with two. */
  invalid: number;
  /** Pieces of connections whose header table is not known any more, or never was. */
  stale: number;
}

/** The header blocks of one end of a connection, as far as they came. */
class Connection {
  readonly hpack = new HpackDecoder('traceparent', maxTableBytes);
  /** The number of the piece that comes next. */
  pieces = 0;
  lastStream = 0;
  /** The payload of the frame that has begun to come; empty between frames. */
  payload: Uint8Array = new Uint8Array();
  /** Its bytes that came. */
  filled = 0;
  /** What came of a header block, without padding. */
  block: Uint8Array[] = [];
  blockBytes = 0;
  /** The frame that began it. */
  first: Http2Record | undefined;
}

/** Thrown where what came can't be a client's HTTP/2. */
class FramingError extends Error {}

/**
 * Finds the trace context of each HTTP/2 stream in the header blocks that the kernel copies, and puts it into the records of what
 * happened to the stream's bytes. A connection of which a piece is missing, or that breaks a rule, is refused for good: a
 * header table that is wrong may give other requests' ids. See docs/decisions/0056.
 */
export class Http2Streams {
  readonly counters: Readonly<Record<StreamMethod, StreamCounters>> = {
    h2_header: { hit: 0, miss: 0, invalid: 0, stale: 0 },
    h2_stream: { hit: 0, miss: 0, invalid: 0, stale: 0 },
  };
  readonly #connections: BoundedCache<string, Connection>;
  readonly #contexts: BoundedCache<string, RequestContext>;

  constructor(bounds: { readonly connections?: number; readonly streams?: number } = {}) {
    this.#connections = new BoundedCache(bounds.connections ?? maxConnections);
    this.#contexts = new BoundedCache(bounds.streams ?? maxStreams);
  }

  get boundsMet(): Readonly<Record<string, number>> {
    return {
      'HTTP/2 connections whose header tables were forgotten (1,000)': this.#connections.evictions,
      'HTTP/2 streams whose trace contexts were forgotten (50,000)': this.#contexts.evictions,
    };
  }

  /** A piece of a header block. */
  take(record: Http2Record): void {
    const key = socketId(record);
    if (record.number === 0) this.#connections.set(key, new Connection());
    const connection = this.#connections.get(key);
    const counters = this.#countersOf(record);
    if (connection === undefined) {
      counters.stale += 1;
      return;
    }
    try {
      this.#add(connection, record);
    } catch (error) {
      if (!(error instanceof HpackError || error instanceof FramingError)) throw error;
      counters.stale += 1;
      this.#connections.delete(key);
    }
  }

  /**
   * The record with the context of its stream, if that is known: the bytes themselves go before all else. What a server
   * says of its answer goes before the request's context.
   */
  resolve<R extends SignalRecord>(record: R): R {
    if (record.kind === 'close') this.#connections.delete(socketId(record));
    if (!('stream' in record) || record.kind === 'http2' || record.stream === undefined) return record;
    const context = this.#contexts.get(streamKey(record, record.stream));
    if (context === undefined) return record;
    return context.method === 'h2_stream' && record.context?.method === 'sdk_hook'
      ? record
      : { ...record, context };
  }

  #countersOf(record: Http2Record): StreamCounters {
    return this.counters[methodOf(record)];
  }

  #add(connection: Connection, record: Http2Record): void {
    if (record.number !== connection.pieces) throw new FramingError();
    connection.pieces += 1;
    if (record.offset === 0) beginFrame(connection, record);
    const { payload, filled } = connection;
    if (payload.length !== record.frameLength || record.offset !== filled) throw new FramingError();
    if (filled + record.bytes.length > payload.length) throw new FramingError();
    payload.set(record.bytes, filled);
    connection.filled += record.bytes.length;
    if (connection.filled < record.frameLength) return;
    endFrame(connection, record);
    if ((record.flags & END_HEADERS) !== 0) this.#endBlock(connection);
  }

  #endBlock(connection: Connection): void {
    const { first } = connection;
    const block = Buffer.concat(connection.block);
    for (const part of connection.block) part.fill(0);
    connection.block = [];
    connection.blockBytes = 0;
    connection.first = undefined;
    let values: string[];
    try {
      values = connection.hpack.decode(block);
    } finally {
      block.fill(0);
    }
    // Trailers have the number of a stream that is there.
    if (first === undefined || first.stream <= connection.lastStream) return;
    connection.lastStream = first.stream;
    const [value] = values;
    const counters = this.#countersOf(first);
    if (value === undefined) {
      counters.miss += 1;
      return;
    }
    const context = values.length === 1 ? contextOf(value, first) : undefined;
    if (context === undefined) {
      counters.invalid += 1;
      return;
    }
    counters.hit += 1;
    this.#contexts.set(streamKey(first, first.stream), context);
  }
}

function streamKey(record: { readonly netns: number; readonly cookie: bigint }, stream: number): string {
  return `${socketId(record)}:${String(stream)}`;
}

function methodOf({ role }: Http2Record): StreamMethod {
  return role === 'server' ? 'h2_stream' : 'h2_header';
}

function beginFrame(connection: Connection, record: Http2Record): void {
  const { first } = connection;
  const isNext =
    record.type === HEADERS
      ? first === undefined
      : record.type === CONTINUATION && first?.stream === record.stream;
  if (!isNext || record.stream % 2 === 0) throw new FramingError();
  connection.blockBytes += record.frameLength;
  if (connection.blockBytes > maxBlockBytes) throw new FramingError();
  connection.payload = new Uint8Array(record.frameLength);
  connection.filled = 0;
  if (record.type === HEADERS) connection.first = { ...record, bytes: new Uint8Array() };
}

/** What a frame has of the header block: RFC 9113 section 6.2. */
function endFrame(connection: Connection, { type, flags }: Http2Record): void {
  const { payload } = connection;
  connection.payload = new Uint8Array();
  let [from, to] = [0, payload.length];
  if (type === HEADERS && (flags & PADDED) !== 0) {
    from += 1;
    to -= payload[0] ?? 0;
  }
  if (type === HEADERS && (flags & PRIORITY) !== 0) from += PRIORITY_BYTES;
  if (from > to) throw new FramingError();
  connection.block.push(payload.subarray(from, to));
}

/** W3C Trace Context 3.2; a later version may go on after its flags. */
function contextOf(value: string, first: Http2Record): RequestContext | undefined {
  const [, version, traceId, spanId, flags, rest] = pattern.exec(value) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  const traceFlags = Number.parseInt(flags, 16);
  const { timeNs, startSeq } = first;
  return { traceId, spanId, traceFlags, method: methodOf(first), startSeq, requestStartNs: timeNs };
}
