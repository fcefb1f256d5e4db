import { LISTEN_END, LISTEN_END_KEY, LISTEN_END_KEY_LENGTH } from '../../decode/generated/layout.ts';
import { rowsOf, type MapImage } from '../../model/map-image.ts';
import type { Owner } from '../../model/resource.ts';

const ADDRESS_BYTES = LISTEN_END_KEY_LENGTH.local;
const ANY = new Uint8Array(ADDRESS_BYTES);

/** One end of a packet: `address` has 16 bytes, IPv4 in the first four. */
export interface PacketEnd {
  readonly netns: number;
  /** 4 or 6. */
  readonly family: number;
  readonly address: Uint8Array;
  readonly port: number;
}

/** Who listens at an end; `found` is an `enum claim`. */
export interface FoundOwner {
  readonly found: number;
  readonly owner: Owner;
  /** 0 or absent: not known. */
  readonly serverPort?: number;
}

interface ListenEnd extends FoundOwner {
  readonly isOnlyIpv6: boolean;
}

/** Listening sockets as one pass met them, by where they listen. */
export class ListenEnds {
  readonly #ends = new Map<string, ListenEnd>();
  /** Keys of rows that the pass did not write. */
  readonly stale: Uint8Array[] = [];

  constructor(image: MapImage, pass: number, ownerAt: (view: DataView, offset: number) => Owner) {
    for (const row of rowsOf(image)) {
      const { keys: key, keyAt: at, values: value, valueAt: from } = row;
      if (Number(value.getBigUint64(from + LISTEN_END.pass, true)) !== pass) {
        this.stale.push(row.key());
        continue;
      }
      const end: PacketEnd = {
        netns: key.getUint32(at + LISTEN_END_KEY.netns, true),
        family: key.getUint8(at + LISTEN_END_KEY.family),
        address: image.keys.subarray(at + LISTEN_END_KEY.local, at + LISTEN_END_KEY.local + ADDRESS_BYTES),
        port: key.getUint16(at + LISTEN_END_KEY.port, true),
      };
      this.#ends.set(idOf(end), {
        found: value.getUint32(from + LISTEN_END.found, true),
        owner: ownerAt(value, from + LISTEN_END.owner),
        serverPort: end.port,
        isOnlyIpv6: value.getUint8(from + LISTEN_END.only_ipv6) !== 0,
      });
    }
  }

  /**
   * Who listens there, as the kernel would choose: at the address itself first, then at every address
   * of the family, then of both. `isLocal`: whether one that listens at every address is meant at all.
   */
  find(end: PacketEnd, isLocal: (owner: Owner) => boolean): FoundOwner | undefined {
    const exact = this.#ends.get(idOf(end));
    if (exact !== undefined) return exact;
    const both = end.family === 4 ? this.#ends.get(idOf({ ...end, family: 6, address: ANY })) : undefined;
    const every =
      this.#ends.get(idOf({ ...end, address: ANY })) ?? (both?.isOnlyIpv6 === false ? both : undefined);
    return every !== undefined && isLocal(every.owner) ? every : undefined;
  }
}

function idOf({ netns, family, address, port }: PacketEnd): string {
  return `${String(netns)} ${String(port)} ${String(family)} ${Buffer.from(address).toString('hex')}`;
}
