import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_PROCESS_EXECUTABLE_NAME,
  ATTR_PROCESS_PID,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_TCP_CONNECTION_ID,
  ATTR_TCP_HANDSHAKE_ROLE,
} from '../../semconv/index.ts';
import type { SocketRecord } from '../model/record.ts';
import type { ConnectionIds } from './connection-id.ts';
import { maskAddress, type AddressMode } from './mask.ts';

/** Builds what events and spans say about their socket; undefined values are left out. */
export interface SocketAttributes {
  connection(record: SocketRecord): Attributes;
  /** Without a peer: a listener has none. */
  listener(record: SocketRecord): Attributes;
}

export function createSocketAttributes(
  connectionIds: ConnectionIds,
  addresses: AddressMode,
): SocketAttributes {
  const local = (record: SocketRecord): Attributes => {
    const { endpoints, owner } = record;
    const attributes: Attributes = {
      [ATTR_NETWORK_TRANSPORT]: 'tcp',
      [ATTR_NETWORK_TYPE]: endpoints.family === 4 ? 'ipv4' : 'ipv6',
      [ATTR_NETWORK_LOCAL_PORT]: endpoints.localPort,
      [ATTR_TCP_CONNECTION_ID]: connectionIds(record.netns, record.cookie),
    };
    const address = maskAddress(endpoints.localAddress, addresses);
    if (address !== undefined) attributes[ATTR_NETWORK_LOCAL_ADDRESS] = address;
    if (owner.pid > 0) attributes[ATTR_PROCESS_PID] = owner.pid;
    if (owner.executable !== '') attributes[ATTR_PROCESS_EXECUTABLE_NAME] = owner.executable;
    return attributes;
  };

  const setServer = (attributes: Attributes, address: string, port: number): void => {
    attributes[ATTR_SERVER_PORT] = port;
    const masked = maskAddress(address, addresses);
    if (masked !== undefined) attributes[ATTR_SERVER_ADDRESS] = masked;
  };

  return {
    connection(record) {
      const { endpoints, role } = record;
      const attributes = local(record);
      attributes[ATTR_NETWORK_PEER_PORT] = endpoints.peerPort;
      const peer = maskAddress(endpoints.peerAddress, addresses);
      if (peer !== undefined) attributes[ATTR_NETWORK_PEER_ADDRESS] = peer;
      if (role === undefined) return attributes;
      attributes[ATTR_TCP_HANDSHAKE_ROLE] = role;
      if (role === 'client') setServer(attributes, endpoints.peerAddress, endpoints.peerPort);
      else setServer(attributes, endpoints.localAddress, endpoints.localPort);
      return attributes;
    },
    listener(record) {
      const attributes = local(record);
      setServer(attributes, record.endpoints.localAddress, record.endpoints.localPort);
      return attributes;
    },
  };
}
