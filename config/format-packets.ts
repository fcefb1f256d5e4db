import { isIP } from 'node:net';
import { type Format, integer, refuse, text } from './format.ts';
import { asList } from './format-lists.ts';

/** The kernel compares with no more. */
const MAX_PORTS = 4;

const port = integer(1, 65535);

/** Ports of packets. */
export const portList: Format<readonly number[]> = {
  expects: 'list of ports; as text separated by commas',
  schema: {
    anyOf: [
      { type: 'array', maxItems: MAX_PORTS, items: { type: ['integer', 'string'] } },
      ...[{ type: 'integer', minimum: 1, maximum: 65535 }, { type: 'string' }],
    ],
  },
  read: (value) => {
    const ports = asList(typeof value === 'number' ? [value] : value, 'ports');
    if (ports.length > MAX_PORTS) return refuse(`be at most ${MAX_PORTS} ports`);
    return ports.map((item) => {
      try {
        return port.read(item);
      } catch {
        return refuse('be ports from 1 to 65535');
      }
    });
  },
};

/** An IP address, or `any`. */
export const ipOrAny: Format<string> = {
  expects: 'IP address, or `any`',
  schema: { type: 'string', minLength: 1 },
  read: (value) => {
    const address = text.read(value).trim();
    return address === 'any' || (isIP(address) > 0 && !address.includes('%'))
      ? address
      : refuse('be an IP address without a zone, or any');
  },
};
