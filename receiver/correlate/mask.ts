/** `prefix` keeps /24 of IPv4 and /48 of IPv6; `none` leaves addresses out. */
export type AddressMode = 'full' | 'prefix' | 'none';

/** The address as it may leave the process; undefined when it may not. */
export function maskAddress(address: string, mode: AddressMode): string | undefined {
  if (mode === 'none' || address === '') return undefined;
  if (mode === 'full') return address;
  return address.includes(':') ? maskIpv6(address) : maskIpv4(address);
}

function maskIpv4(address: string): string {
  return `${address.split('.').slice(0, 3).join('.')}.0`;
}

/** Keeps three of eight groups, written as RFC 5952 wants. */
function maskIpv6(address: string): string {
  const [head = '', tail] = address.split('::');
  let groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const tailGroups = tail === '' ? [] : tail.split(':');
    const zeros = Math.max(0, 8 - groups.length - tailGroups.length);
    groups = [...groups, ...Array<string>(zeros).fill('0'), ...tailGroups];
  }
  const kept = groups.slice(0, 3);
  while (kept.at(-1) === '0') kept.pop();
  return `${kept.join(':')}::`;
}
