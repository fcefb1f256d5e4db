import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_PACKET_DROP_REASON,
  ATTR_SERVER_PORT,
} from '../../../semconv/index.ts';
import { readText } from '../../decode/bytes.ts';
import { DROP_SITE, DROP_SITE_LENGTH } from '../../decode/generated/layout.ts';
import { STATE_NAMES } from '../../decode/names.ts';
import { rowsOf, type MapImage } from '../../model/map-image.ts';
import type { KernelNames } from '../../model/record.ts';

/** What the kernel tells of a drop; 0: not asked for, or not known. */
export interface DropFacts {
  readonly reason: number;
  /** 4 or 6. */
  readonly family: number;
  /** Kernel number of the TCP state. */
  readonly state: number;
  readonly serverPort: number;
  /** Number of a row of `drop_sites`. */
  readonly site: number;
}

/** The kernel's side, by what is needed of it. */
export interface DropSource {
  readonly names: Pick<KernelNames, 'dropReason' | 'functionAt'>;
  /** Asked for `drop_sites` alone, and for numbers of sites not met before only. */
  read(map: string): MapImage;
}

/** The attributes of `wirespan.packet.dropped`, when nothing more is asked for. */
export function dropAttributes(reason: string, family: number): Attributes {
  return {
    [ATTR_PACKET_DROP_REASON]: reason,
    [ATTR_NETWORK_TRANSPORT]: 'tcp',
    [ATTR_NETWORK_TYPE]: family === 6 ? 'ipv6' : 'ipv4',
  };
}

/** Words for what the kernel tells of drops. */
export class DropDetails {
  readonly #source: DropSource;
  /** At most as many as the kernel's map has rows: they are never taken out of it. */
  readonly #sites = new Map<number, Attributes>();

  constructor(source: DropSource) {
    this.#source = source;
  }

  /** The attributes of `wirespan.packet.dropped`. */
  attributes({ reason, family, state, serverPort, site }: DropFacts): Attributes {
    const stateName = STATE_NAMES[state];
    return {
      ...dropAttributes(this.#source.names.dropReason(reason), family),
      ...(stateName !== undefined && { [ATTR_NETWORK_CONNECTION_STATE]: stateName }),
      ...(serverPort !== 0 && { [ATTR_SERVER_PORT]: serverPort }),
      ...(site !== 0 && this.#siteOf(site)),
    };
  }

  #siteOf(number: number): Attributes {
    if (!this.#sites.has(number)) this.#read();
    return this.#sites.get(number) ?? {};
  }

  #read(): void {
    for (const { keys: key, keyAt: at, values, valueAt } of rowsOf(this.#source.read('drop_sites'))) {
      const location = key.getBigUint64(at + DROP_SITE.location, true);
      const name = location === 0n ? undefined : this.#source.names.functionAt(location);
      const device = readText(key, at + DROP_SITE.interface, DROP_SITE_LENGTH.interface);
      this.#sites.set(values.getUint32(valueAt, true), {
        ...(name !== undefined && { [ATTR_CODE_FUNCTION_NAME]: name }),
        ...(device !== '' && { [ATTR_NETWORK_INTERFACE_NAME]: device }),
      });
    }
  }
}
