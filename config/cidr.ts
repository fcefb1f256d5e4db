import { isIPv4, isIPv6 } from 'node:net';
import { refuse } from './format.ts';

/** A network, ready for `net.BlockList.addSubnet(address, prefixLength, family)`. */
export interface Cidr {
  /** Canonical text, e.g. `10.0.0.0/8`. */
  readonly text: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

function groupsOf(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number);
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(zeros).fill('0'), ...right].map((group) => parseInt(group, 16));
}

function mask(address: string, prefixLength: number): string {
  const isV4 = isIPv4(address);
  const width = isV4 ? 8 : 16;
  const masked = groupsOf(address).map((group, i) => {
    const kept = Math.min(width, Math.max(0, prefixLength - i * width));
    return group & ~(2 ** (width - kept) - 1);
  });
  if (isV4) return masked.join('.');
  return new URL(`http://[${masked.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1);
}

/**
 * Reads `address/length`.
 * @throws Error whose message completes "must …".
 */
export function parseCidr(value: unknown): Cidr {
  const [address = '', length = '', ...more] = typeof value === 'string' ? value.trim().split('/') : [];
  const isV4 = isIPv4(address);
  const isKnown = isV4 || (isIPv6(address) && !address.includes('%'));
  const prefixLength = /^\d{1,3}$/.test(length) ? Number(length) : NaN;
  if (!isKnown || more.length > 0 || !(prefixLength <= (isV4 ? 32 : 128))) {
    return refuse('be networks in CIDR notation, such as 10.0.0.0/8 or fd00::/8');
  }
  const network = mask(address, prefixLength);
  if (network !== mask(address, isV4 ? 32 : 128)) {
    return refuse(`be networks without host bits: write ${network}/${String(prefixLength)}`);
  }
  const text = `${network}/${String(prefixLength)}`;
  return { text, address: network, prefixLength, family: isV4 ? 'ipv4' : 'ipv6' };
}
