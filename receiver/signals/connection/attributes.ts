import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_TYPE,
  ATTR_PEER_CIDR,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_TCP_CLOSE_REASON,
  ATTR_TCP_HANDSHAKE_ROLE,
  ATTR_TCP_RETRANSMIT_TYPE,
} from '../../../semconv/index.ts';
import { addressAttributes } from '../addresses.ts';
import type { SumsContext } from '../context.ts';
import { CLOSE_REASON_NAMES, RETRANSMIT_TYPE_NAMES } from '../../decode/names.ts';

const TRANSMIT = { [ATTR_NETWORK_IO_DIRECTION]: 'transmit' };
const RECEIVE = { [ATTR_NETWORK_IO_DIRECTION]: 'receive' };

/** What the metrics can say of a connection; undefined: not known. */
export interface ConnectionFacts {
  readonly role: 'client' | 'server' | undefined;
  readonly serverPort: number;
  readonly error: string | undefined;
  readonly family: number;
  readonly cidr: string | undefined;
  /** A value of `network.connection.state`. */
  readonly state: string | undefined;
  readonly peerAddress: string | undefined;
  readonly serverAddress: string | undefined;
}

/** What the settings say of attributes. */
type AddressSettings = Pick<SumsContext, 'optIn' | 'mask'>;

/** The attributes of a connection's metrics, with those that the settings ask for. */
export function rowAttributesOf(facts: ConnectionFacts, context: AddressSettings): RowAttributes {
  const { role, serverPort, error, family, cidr, state, peerAddress, serverAddress } = facts;
  const { optIn } = context;
  const type = { [ATTR_NETWORK_TYPE]: family === 6 ? 'ipv6' : 'ipv4' };
  const plain: Attributes = {
    ...(role !== undefined && { [ATTR_TCP_HANDSHAKE_ROLE]: role, [ATTR_SERVER_PORT]: serverPort }),
    ...(error !== undefined && { [ATTR_ERROR_TYPE]: error }),
    ...(optIn.has(ATTR_NETWORK_TYPE) && type),
    ...(cidr !== undefined && optIn.has(ATTR_PEER_CIDR) && { [ATTR_PEER_CIDR]: cidr }),
    ...(state !== undefined && { [ATTR_NETWORK_CONNECTION_STATE]: state }),
    ...addressAttributes(context, {
      ...(optIn.has(ATTR_NETWORK_PEER_ADDRESS) && { [ATTR_NETWORK_PEER_ADDRESS]: peerAddress }),
      [ATTR_SERVER_ADDRESS]: serverAddress,
    }),
  };
  return new RowAttributes(plain, type);
}

/**
 * The attribute sets of a row's series. Each is frozen and made once, because the store knows such
 * objects by identity; and made when first used, because most rows need a few of twenty.
 */
export class RowAttributes {
  readonly plain: Attributes;
  /** With `network.type`, for the metrics that always have it. */
  readonly withType: Attributes;
  #sent: Attributes | undefined;
  #received: Attributes | undefined;
  #byReason: Map<number, Attributes> | undefined;
  #byType: Map<number, Attributes> | undefined;

  constructor(plain: Attributes, type: Attributes) {
    this.plain = Object.freeze(plain);
    this.withType = Object.freeze({ ...plain, ...type });
  }

  get sent(): Attributes {
    return (this.#sent ??= Object.freeze({ ...this.plain, ...TRANSMIT }));
  }

  get received(): Attributes {
    return (this.#received ??= Object.freeze({ ...this.plain, ...RECEIVE }));
  }

  /** `reason`: of `enum close_reason`. */
  closedBy(reason: number): Attributes {
    this.#byReason ??= new Map();
    return this.#of(this.#byReason, reason, ATTR_TCP_CLOSE_REASON, CLOSE_REASON_NAMES);
  }

  /** `type`: of `enum retransmit_type`. */
  retransmitted(type: number): Attributes {
    this.#byType ??= new Map();
    return this.#of(this.#byType, type, ATTR_TCP_RETRANSMIT_TYPE, RETRANSMIT_TYPE_NAMES);
  }

  #of(made: Map<number, Attributes>, index: number, name: string, names: readonly string[]): Attributes {
    let attributes = made.get(index);
    if (attributes === undefined) {
      attributes = Object.freeze({ ...this.plain, [name]: names[index] });
      made.set(index, attributes);
    }
    return attributes;
  }
}
