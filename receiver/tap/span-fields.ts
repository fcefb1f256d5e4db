import { isIP } from 'node:net';
import type { ServerSpan } from '../model/application-span.ts';

/** `SPAN_KIND_SERVER`. */
export const SERVER_KIND = 2;

/** Texts and whole numbers among attributes, by key. */
export type PlainValues = ReadonlyMap<string, string | number>;

/** A SERVER span as it was read, whatever it was written in. */
export interface RawSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startUnixNs: bigint;
  readonly endUnixNs: bigint;
  readonly attributes: PlainValues;
}

/** Where semantic conventions, old ones too, have the socket's peer. `client.*` may be what a proxy said. */
const peers = [
  ['network.peer.address', 'network.peer.port'],
  ['net.sock.peer.addr', 'net.sock.peer.port'],
  ['net.peer.ip', 'net.peer.port'],
] as const;

const versions = ['network.protocol.version', 'http.flavor'] as const;

/** What is used of a span; undefined when its ids are none. */
export function serverSpanOf(raw: RawSpan, resource: PlainValues): ServerSpan | undefined {
  const { traceId, spanId, parentSpanId, startUnixNs, endUnixNs, attributes } = raw;
  if (!/^[0-9a-f]{32}$/.test(traceId) || !/^[0-9a-f]{16}$/.test(spanId)) return undefined;
  const [pid, service] = [resource.get('process.pid'), resource.get('service.name')];
  const version = versions.map((name) => attributes.get(name)).find((value) => value !== undefined);
  return {
    traceId,
    spanId,
    parentSpanId,
    startUnixNs,
    endUnixNs,
    isHttp1: version === '1.1' || version === '1.0',
    ...(typeof pid === 'number' && { pid }),
    ...(typeof service === 'string' && { service }),
    ...peerOf(attributes),
  };
}

function peerOf(attributes: PlainValues): Pick<ServerSpan, 'peerAddress' | 'peerPort'> {
  for (const [addressKey, portKey] of peers) {
    const [address, port] = [attributes.get(addressKey), attributes.get(portKey)];
    const peerAddress = typeof address === 'string' ? plainAddress(address) : undefined;
    if (peerAddress !== undefined && typeof port === 'number') return { peerAddress, peerPort: port };
  }
  return {};
}

/** An address in one form, as the kernel's are written here; undefined for a name. */
export function plainAddress(text: string): string | undefined {
  const address = text.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}
