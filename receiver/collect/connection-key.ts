import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_TYPE,
  ATTR_PEER_CIDR,
  ATTR_SERVER_PORT,
  ATTR_TCP_HANDSHAKE_ROLE,
} from '../../semconv/index.ts';
import { readAddress } from '../decode/bytes.ts';
import { SERIES_KEY } from '../decode/generated/layout.ts';
import { errorTypeOf, ROLE_NAMES } from '../decode/names.ts';
import type { Owner } from '../model.ts';
import { OVERFLOW_ATTRIBUTES, type CollectContext } from './context.ts';

/** What a `struct series_key` says. */
export interface ConnectionKey {
  readonly owner: Owner;
  readonly role: 'client' | 'server' | undefined;
  readonly serverPort: number;
  readonly peerAddress: string | undefined;
  readonly isFailure: boolean;
  readonly isOverflow: boolean;
  /** `wirespan.peer.cidr`; undefined without configured subnets. */
  readonly cidr: string | undefined;
  /** Of every metric by connection. */
  readonly plain: Attributes;
  /** `network.type`, for the metrics that always have it. */
  readonly type: Attributes;
}

export function readConnectionKey(context: CollectContext, view: DataView, at: number): ConnectionKey {
  const { optIn } = context;
  const role = ROLE_NAMES[view.getUint8(at + SERIES_KEY.role)];
  const family = view.getUint8(at + SERIES_KEY.family);
  const error = errorTypeOf(view.getUint8(at + SERIES_KEY.error));
  const serverPort = view.getUint16(at + SERIES_KEY.server_port, true);
  const isOverflow = view.getUint8(at + SERIES_KEY.overflow) !== 0;
  const type = { [ATTR_NETWORK_TYPE]: family === 6 ? 'ipv6' : 'ipv4' };
  const peerAddress = readPeer(view, at, family);
  const cidr = cidrOf(context.subnets, view.getUint32(at + SERIES_KEY.cidr, true));
  const plain: Attributes = isOverflow
    ? OVERFLOW_ATTRIBUTES
    : {
        ...(role !== undefined && { [ATTR_TCP_HANDSHAKE_ROLE]: role, [ATTR_SERVER_PORT]: serverPort }),
        ...(error !== undefined && { [ATTR_ERROR_TYPE]: error }),
        ...(optIn.has(ATTR_NETWORK_TYPE) && type),
        ...(cidr !== undefined && optIn.has(ATTR_PEER_CIDR) && { [ATTR_PEER_CIDR]: cidr }),
        ...(peerAddress !== undefined &&
          optIn.has(ATTR_NETWORK_PEER_ADDRESS) && { [ATTR_NETWORK_PEER_ADDRESS]: peerAddress }),
      };
  const owner = context.ownerAt(view, at + SERIES_KEY.owner);
  const isFailure = error !== undefined;
  return {
    owner,
    role,
    serverPort,
    peerAddress,
    isFailure,
    isOverflow,
    cidr,
    plain,
    type: isOverflow ? {} : type,
  };
}

/** Undefined when the kernel does not tell peers apart. */
function readPeer(view: DataView, at: number, family: number): string | undefined {
  const from = at + SERIES_KEY.peer;
  const hasPeer = view.getBigUint64(from, true) !== 0n || view.getBigUint64(from + 8, true) !== 0n;
  return hasPeer ? readAddress(view, from, family) : undefined;
}

function cidrOf(subnets: readonly string[], index: number): string | undefined {
  if (subnets.length === 0) return undefined;
  return index === 0 ? 'other' : (subnets[index - 1] ?? 'other');
}
