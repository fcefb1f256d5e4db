import { BlockList } from 'node:net';

/** A subnet of `wirespan.peer.cidr`: its text, and what it is. */
export interface Subnet {
  readonly text: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** The text of the narrowest subnet that an address is in; undefined without subnets. */
export type CidrLookup = (address: string, family: 4 | 6) => string | undefined;

export function createCidrLookup(subnets: readonly Subnet[]): CidrLookup {
  const narrowestFirst = [...subnets]
    .sort((a, b) => b.prefixLength - a.prefixLength)
    .map(({ text, address, prefixLength, family }) => {
      const list = new BlockList();
      list.addSubnet(address, prefixLength, family);
      return { text, list };
    });
  return (address, family) => {
    if (narrowestFirst.length === 0) return undefined;
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    return narrowestFirst.find(({ list }) => list.check(address, kind))?.text ?? 'other';
  };
}
