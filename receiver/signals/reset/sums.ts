import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_TYPE,
  ATTR_PEER_CIDR,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_TCP_HANDSHAKE_ROLE,
  ATTR_TCP_RESET_REASON,
  METRIC_TCP_RESETS,
} from '../../../semconv/index.ts';
import { RESET_KEY } from '../../decode/generated/layout.ts';
import { ROLE_NAMES } from '../../decode/names.ts';
import { rowsOf, type MapImage } from '../../model/map-image.ts';
import { addressAt, addressAttributes } from '../addresses.ts';
import { Cells, cidrOf, OVERFLOW_ATTRIBUTES, type SumsContext } from '../context.ts';
import { Memories } from '../memories.ts';

/** RSTs by direction, on the owner of their socket, else on the host. */
export class ResetSums {
  readonly #context: SumsContext;
  readonly #reasonOf: (reason: number) => string | undefined;
  readonly #memories = new Memories(1);

  constructor(context: SumsContext, reasonOf: (reason: number) => string | undefined) {
    this.#context = context;
    this.#reasonOf = reasonOf;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    for (const row of rowsOf(image)) {
      const gained = this.#memories.of(row).gain(cells.moveTo(row.valueAt), 0);
      if (gained <= 0 || !this.#context.isOn(METRIC_TCP_RESETS)) continue;
      const owner = this.#context.ownerAt(row.keys, row.keyAt + RESET_KEY.owner);
      const resource = this.#context.resolve(owner);
      this.#context.sink.add(METRIC_TCP_RESETS, resource, this.#attributes(row.keys, row.keyAt), gained);
    }
  }

  #attributes(view: DataView, at: number): Attributes {
    if (view.getUint8(at + RESET_KEY.overflow) !== 0) return OVERFLOW_ATTRIBUTES;
    const { optIn } = this.#context;
    const role = ROLE_NAMES[view.getUint8(at + RESET_KEY.role)];
    const family = view.getUint8(at + RESET_KEY.family);
    const reason = this.#reasonOf(view.getUint8(at + RESET_KEY.reason));
    const cidr = cidrOf(this.#context, view.getUint32(at + RESET_KEY.cidr, true));
    return {
      [ATTR_NETWORK_IO_DIRECTION]: view.getUint8(at + RESET_KEY.received) === 0 ? 'transmit' : 'receive',
      ...(role !== undefined && {
        [ATTR_TCP_HANDSHAKE_ROLE]: role,
        [ATTR_SERVER_PORT]: view.getUint16(at + RESET_KEY.server_port, true),
      }),
      ...(optIn.has(ATTR_NETWORK_TYPE) &&
        family !== 0 && { [ATTR_NETWORK_TYPE]: family === 6 ? 'ipv6' : 'ipv4' }),
      ...(optIn.has(ATTR_TCP_RESET_REASON) && reason !== undefined && { [ATTR_TCP_RESET_REASON]: reason }),
      // The peer of a RST that is nobody's is not known.
      ...(optIn.has(ATTR_PEER_CIDR) &&
        role !== undefined &&
        cidr !== undefined && { [ATTR_PEER_CIDR]: cidr }),
      ...addressAttributes(this.#context, {
        [ATTR_NETWORK_PEER_ADDRESS]: addressAt(view, at + RESET_KEY.peer, family),
        [ATTR_SERVER_ADDRESS]: addressAt(view, at + RESET_KEY.server, family),
      }),
    };
  }

  forget(id: string): void {
    this.#memories.forget(id);
  }
}
