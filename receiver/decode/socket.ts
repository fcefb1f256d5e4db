import type { Owner } from '../model/resource.ts';
import type { Endpoints, RequestContext } from '../model/record.ts';
import { readAddress, readHex } from './bytes.ts';
import {
  CONNECTION_RECORD,
  CONTEXT_METHOD,
  ENDPOINTS,
  RECORD_HEADER,
  TRACE_CONTEXT,
  TRACE_CONTEXT_LENGTH,
} from './generated/layout.ts';
import { ROLE_NAMES } from './names.ts';
import type { OwnerTable } from './owners.ts';

function decodeEndpoints(view: DataView, at: number): Endpoints {
  const family = view.getUint8(at + ENDPOINTS.family) === 6 ? 6 : 4;
  return {
    family,
    localAddress: readAddress(view, at + ENDPOINTS.local, family),
    localPort: view.getUint16(at + ENDPOINTS.local_port, true),
    peerAddress: readAddress(view, at + ENDPOINTS.peer, family),
    peerPort: view.getUint16(at + ENDPOINTS.peer_port, true),
  };
}

export interface SocketPart {
  timeNs: bigint;
  cookie: bigint;
  netns: number;
  owner: Owner;
  role?: 'client' | 'server';
  endpoints: Endpoints;
}

/** The part that all socket records share; their layouts agree up to the end of `endpoints`. */
export function decodeSocket(view: DataView, at: number, owners: OwnerTable): SocketPart {
  const endpoints = at + CONNECTION_RECORD.endpoints;
  const role = ROLE_NAMES[view.getUint8(endpoints + ENDPOINTS.role)];
  const part: SocketPart = {
    timeNs: view.getBigUint64(at + RECORD_HEADER.ts_ns, true),
    cookie: view.getBigUint64(at + CONNECTION_RECORD.cookie, true),
    netns: view.getUint32(endpoints + ENDPOINTS.netns, true),
    owner: owners.find(view, at + CONNECTION_RECORD.owner),
    endpoints: decodeEndpoints(view, endpoints),
  };
  if (role !== undefined) part.role = role;
  return part;
}

const METHODS: Readonly<Record<number, RequestContext['method']>> = {
  [CONTEXT_METHOD.METHOD_HTTP1_HEADER]: 'http1_header',
  [CONTEXT_METHOD.METHOD_SDK_HOOK]: 'sdk_hook',
  [CONTEXT_METHOD.METHOD_HTTP1_WINDOW]: 'http1_window',
  [CONTEXT_METHOD.METHOD_THREAD_CTX]: 'thread_ctx',
  [CONTEXT_METHOD.METHOD_NODE_CTX]: 'node_ctx',
  [CONTEXT_METHOD.METHOD_TLS_INHERIT]: 'tls_inherit',
};

/** A stream of HTTP/2; undefined when the kernel does not know it. */
export function decodeStream(view: DataView, at: number): number | undefined {
  const stream = view.getUint32(at, true);
  return stream === 0 ? undefined : stream;
}

/** Undefined when the kernel found none. */
export function decodeContext(view: DataView, at: number): RequestContext | undefined {
  const method = METHODS[view.getUint8(at + TRACE_CONTEXT.method)];
  if (view.getUint8(at + TRACE_CONTEXT.found) === 0 || method === undefined) return undefined;
  return {
    traceId: readHex(view, at + TRACE_CONTEXT.trace_id, TRACE_CONTEXT_LENGTH.trace_id),
    spanId: readHex(view, at + TRACE_CONTEXT.span_id, TRACE_CONTEXT_LENGTH.span_id),
    traceFlags: view.getUint8(at + TRACE_CONTEXT.flags),
    method,
    startSeq: view.getUint32(at + TRACE_CONTEXT.start_seq, true),
    requestStartNs: view.getBigUint64(at + TRACE_CONTEXT.start_ns, true),
  };
}
