import { SUBNET_KEY } from '../decode/generated/layout.ts';
import { ipv4Bytes, ipv6Bytes } from '../model/address-bytes.ts';
import { u32 } from './number-bytes.ts';

/** `address` is text; `prefixLength` counts its family's bits. */
export interface Subnet {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Before the four bytes of an IPv4 address: ::ffff:0:0/96. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** `struct subnet_key`: IPv4 lies in ::ffff:0:0/96. */
export function subnetKey({ address, prefixLength, family }: Subnet): Uint8Array {
  const key = new Uint8Array(SUBNET_KEY.size);
  const bits = family === 'ipv4' ? 96 + prefixLength : prefixLength;
  key.set(u32(bits), SUBNET_KEY.prefix_length);
  key.set(family === 'ipv4' ? [...MAPPED, ...ipv4Bytes(address)] : ipv6Bytes(address), SUBNET_KEY.address);
  return key;
}
