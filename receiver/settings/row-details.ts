import type { AppConfig } from '../../config/index.ts';
import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_PEER_CIDR,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../../semconv/index.ts';
import type { RowDetails } from '../source/row-details.ts';

/** What the opt-in attributes ask the kernel to tell apart. */
export function rowDetailsOf({ attributes, addresses }: AppConfig): RowDetails {
  const showsAddresses = addresses !== 'none';
  return {
    serverAddress: showsAddresses && attributes.has(ATTR_SERVER_ADDRESS),
    localAddress: showsAddresses && attributes.has(ATTR_NETWORK_LOCAL_ADDRESS),
    resetCidr: attributes.has(ATTR_PEER_CIDR),
    retransmitState: attributes.has(ATTR_NETWORK_CONNECTION_STATE),
    statePort: attributes.has(ATTR_SERVER_PORT),
    dropFunction: attributes.has(ATTR_CODE_FUNCTION_NAME),
    dropInterface: attributes.has(ATTR_NETWORK_INTERFACE_NAME),
    dropState: attributes.has(ATTR_NETWORK_CONNECTION_STATE),
    dropPort: attributes.has(ATTR_SERVER_PORT),
  };
}
