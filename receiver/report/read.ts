import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_DESTINATION_ADDRESS,
  ATTR_DESTINATION_PORT,
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_SERVICE_NAME,
  ATTR_SOURCE_ADDRESS,
  ATTR_SOURCE_PORT,
} from '../../semconv/index.ts';
import { outsideText } from '../../text/index.ts';

/** Longest text of a process, or of an address, that is shown. */
const MAX_CHARS = 80;
const UNKNOWN = 'unknown';

/** What a process may have named itself: one line of bounded length, '' when it is not there. */
export function textOf(attributes: Attributes, key: string): string {
  const value = attributes[key];
  return typeof value === 'string' || typeof value === 'number' ? outsideText(String(value), MAX_CHARS) : '';
}

export function numberOf(attributes: Attributes, key: string): number | undefined {
  const value = attributes[key];
  return typeof value === 'number' ? value : undefined;
}

/** A name to sum by. */
export function nameOf(attributes: Attributes, key: string): string {
  return textOf(attributes, key) || UNKNOWN;
}

export function serviceOf({ attributes }: { readonly attributes: Attributes }): string {
  return nameOf(attributes, ATTR_SERVICE_NAME);
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`, or `:80` where addresses are kept out. */
export function endpointOf(attributes: Attributes, addressKey: string, portKey: string): string {
  const [address, port] = [textOf(attributes, addressKey), textOf(attributes, portKey)];
  if (port === '') return address;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

export function localOf(attributes: Attributes): string {
  return endpointOf(attributes, ATTR_NETWORK_LOCAL_ADDRESS, ATTR_NETWORK_LOCAL_PORT);
}

export function peerOf(attributes: Attributes): string {
  return endpointOf(attributes, ATTR_NETWORK_PEER_ADDRESS, ATTR_NETWORK_PEER_PORT);
}

/** By its address: its ports are many. */
export function peerNameOf(attributes: Attributes): string {
  return nameOf(attributes, ATTR_NETWORK_PEER_ADDRESS);
}

/**
 * The other end of a dropped packet, whose addresses are those on the wire: the port of the peer says which of the two it
 * is. Where it does not, both are named.
 */
export function dropPeerOf(attributes: Attributes): { readonly name: string; readonly endpoint: string } {
  const [local, peer] = [ATTR_NETWORK_LOCAL_PORT, ATTR_NETWORK_PEER_PORT].map((key) => attributes[key]);
  const [from, to] = [attributes[ATTR_SOURCE_PORT], attributes[ATTR_DESTINATION_PORT]];
  const source = endpointOf(attributes, ATTR_SOURCE_ADDRESS, ATTR_SOURCE_PORT);
  const destination = endpointOf(attributes, ATTR_DESTINATION_ADDRESS, ATTR_DESTINATION_PORT);
  const isSent = from === local && to === peer;
  if (local === peer || isSent === (to === local && from === peer)) {
    const names = [ATTR_SOURCE_ADDRESS, ATTR_DESTINATION_ADDRESS].map((key) => nameOf(attributes, key));
    return { name: [...new Set(names)].join(' → '), endpoint: `${source} → ${destination}` };
  }
  return isSent
    ? { name: nameOf(attributes, ATTR_DESTINATION_ADDRESS), endpoint: destination }
    : { name: nameOf(attributes, ATTR_SOURCE_ADDRESS), endpoint: source };
}
