import { SERIES_KEY } from '../../decode/generated/layout.ts';
import { errorTypeOf, ROLE_NAMES, STATE_NAMES } from '../../decode/names.ts';
import type { Owner } from '../../model/resource.ts';
import { addressAt } from '../addresses.ts';
import { cidrOf, OVERFLOW_ATTRIBUTES, type SumsContext } from '../context.ts';
import { RowAttributes, rowAttributesOf } from './attributes.ts';

/** What a `struct series_key` says. */
export interface ConnectionKey {
  readonly owner: Owner;
  readonly role: 'client' | 'server' | undefined;
  readonly serverPort: number;
  /** Undefined when the kernel does not tell peers apart. */
  readonly peerAddress: string | undefined;
  readonly isFailure: boolean;
  readonly isOverflow: boolean;
  /** `wirespan.peer.cidr`; undefined without configured subnets. */
  readonly cidr: string | undefined;
  /** `network.connection.state`, of rows that tell states apart. */
  readonly state: string | undefined;
  readonly attributes: RowAttributes;
}

export function readConnectionKey(context: SumsContext, view: DataView, at: number): ConnectionKey {
  const role = ROLE_NAMES[view.getUint8(at + SERIES_KEY.role)];
  const family = view.getUint8(at + SERIES_KEY.family);
  const error = errorTypeOf(view.getUint8(at + SERIES_KEY.error));
  const serverPort = view.getUint16(at + SERIES_KEY.server_port, true);
  const isOverflow = view.getUint8(at + SERIES_KEY.overflow) !== 0;
  const peerAddress = addressAt(view, at + SERIES_KEY.peer, family);
  const serverAddress = addressAt(view, at + SERIES_KEY.server, family);
  const state = STATE_NAMES[view.getUint8(at + SERIES_KEY.state)];
  const cidr = cidrOf(context, view.getUint32(at + SERIES_KEY.cidr, true));
  const facts = { role, serverPort, error, family, cidr, state, peerAddress, serverAddress };
  return {
    owner: context.ownerAt(view, at + SERIES_KEY.owner),
    role,
    serverPort,
    peerAddress,
    isFailure: error !== undefined,
    isOverflow,
    cidr,
    state,
    attributes: isOverflow ? new RowAttributes(OVERFLOW_ATTRIBUTES, {}) : rowAttributesOf(facts, context),
  };
}
