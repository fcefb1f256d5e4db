import { ATTR_PEER_CIDR, ATTR_SERVER_ADDRESS } from '../../../semconv/index.ts';
import type { SocketRecord } from '../../model/record.ts';
import type { ExemplarParts } from '../exemplars.ts';
import { rowAttributesOf, type RowAttributes } from './attributes.ts';

/** The attributes of the kernel's row that a record was counted in. */
export function attributesOfRecord(
  { role, endpoints }: SocketRecord,
  { context, cidrOf }: Pick<ExemplarParts, 'context' | 'cidrOf'>,
  error?: string,
): RowAttributes {
  const { family, localAddress, peerAddress, localPort, peerPort } = endpoints;
  const serverPort = role === 'server' ? localPort : peerPort;
  const server = role === 'server' ? localAddress : peerAddress;
  const serverAddress = context.optIn.has(ATTR_SERVER_ADDRESS) ? server : undefined;
  const cidr = context.optIn.has(ATTR_PEER_CIDR) ? cidrOf(peerAddress, family) : undefined;
  const facts = { role, serverPort, error, family, cidr, state: undefined, peerAddress, serverAddress };
  return rowAttributesOf(facts, context);
}
