import { SUBNET_KEY } from '../decode/generated/layout.ts';
import { u32 } from './number-bytes.ts';

/** `address` is text; `prefixLength` counts its family's bits. */
export interface Subnet {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** `struct subnet_key`: IPv4 lies in ::ffff:0:0/96. */
export function subnetKey({ address, prefixLength, family }: Subnet): Uint8Array {
  const key = new Uint8Array(SUBNET_KEY.size);
  const bits = family === 'ipv4' ? 96 + prefixLength : prefixLength;
  key.set(u32(bits), SUBNET_KEY.prefix_length);
  key.set(family === 'ipv4' ? ipv4Bytes(address) : ipv6Bytes(address), SUBNET_KEY.address);
  return key;
}

function ipv4Bytes(address: string): number[] {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address.split('.').map(Number)];
}

function ipv6Bytes(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    return ipv6Bytes(`${String(dotted[1])}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
