import { isIP } from 'node:net';

/**
 * Whether a request was sent to an address, and not to a name of somebody's: a page in a browser whose name was made
 * to lead here (DNS rebinding) sends that name. Absent: HTTP/1.0, which no browser speaks.
 */
export function isAddressed(hostHeader: string | undefined): boolean {
  if (hostHeader === undefined) return true;
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d{1,5})?$/.exec(hostHeader) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  return isIP(plain) === 4 || /^localhost$/i.test(plain);
}
