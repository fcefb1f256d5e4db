import { isIP } from 'node:net';
import { type Format, refuse } from './format.ts';

/** Where to listen. */
export interface ListenAddress {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** An address and port to listen on, in its shortest form, or `off`. */
export const listenAddress: Format<string> = {
  expects: '`address:port` or `off`',
  schema: { anyOf: [{ type: 'string', pattern: '^\\s*(off|.+:\\d{1,5})\\s*$' }, { const: false }] },
  read(value) {
    const given = typeof value === 'string' ? value.trim() : value === false ? 'off' : '';
    if (given === 'off') return given;
    const address = parseListenAddress(given);
    if (address === undefined)
      return refuse(
        'be an IP address and a port from 1 to 65535, such as 127.0.0.1:4317 or [::1]:4317, or off',
      );
    return renderListenAddress(address);
  },
};

/** `localhost` is its IPv4 address. Undefined for anything else that is no IP address with a port. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, bracketed, plain = '', digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? (plain.toLowerCase() === 'localhost' ? '127.0.0.1' : plain);
  const port = Number(digits);
  if (isIP(host) !== (bracketed === undefined ? 4 : 6) || !(port >= 1 && port <= 65_535)) return undefined;
  return { host, port };
}

function renderListenAddress({ host, port }: ListenAddress): string {
  return isIP(host) === 6 ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}

/** Whether only this machine can connect to it. */
export function isLoopback(host: string): boolean {
  return /^127\./.test(host) || host === '::1' || /^localhost$|\.localhost$/i.test(host);
}
