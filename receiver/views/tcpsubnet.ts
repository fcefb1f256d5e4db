import { parseCidr } from '../../config/index.ts';
import {
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_PEER_CIDR,
  METRIC_TCP_SUBNET_IO,
  NETWORK_IO_DIRECTION_VALUE_TRANSMIT,
} from '../../semconv/index.ts';
import { line, timeOfDay, timeStamp } from './columns.ts';
import { intervalOptions, type ViewArguments } from './options.ts';
import type { Gain, View, ViewRow } from './view.ts';

/** Loopback, the private networks of RFC 1918, and all others. */
export const SUBNETS = '127.0.0.1/32,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,0.0.0.0/0';
/** Rows of the kernel's map `subnets`. */
const MAX_SUBNETS = 256;
const COLUMNS = [
  ['SUBNET', 21],
  ['BYTES', -12],
] as const;
const UNITS: Readonly<Record<string, number>> = {
  b: 1 / 8,
  k: 1024 / 8,
  m: 1024 ** 2 / 8,
  B: 1,
  K: 1024,
  M: 1024 ** 2,
};

/** Bytes sent, by the network of the other end. */
export const tcpsubnet: View = {
  name: 'tcpsubnet',
  summary: 'bytes that TCP connections sent and that were acknowledged, by the network of the other end',
  example: ['wirespan tcpsubnet 192.0.2.0/24,0.0.0.0/0', 'how much goes to one network, and elsewhere'],
  options: [
    {
      long: 'subnets',
      value: 'LIST',
      check: checkSubnets,
      help: 'networks with commas between them; else loopback, those of RFC 1918, and all others',
    },
    ...intervalOptions('print each so many seconds, 1 without'),
    {
      long: 'format',
      short: 'f',
      value: 'UNIT',
      choices: Object.keys(UNITS),
      help: 'b, k, m: bits; B, K, M: bytes',
    },
  ],
  words: ['subnets'],
  needs: (args) => ({
    events: [],
    sums: {
      metrics: [METRIC_TCP_SUBNET_IO],
      subnets: subnetsOf(args),
      intervalMs: (args.number('interval') ?? 1) * 1000,
      intervals: args.number('count'),
    },
    probes: ['inet_sock_set_state'],
  }),
  start: (args) => ({
    header: undefined,
    row: () => undefined,
    interval: (gains, unixNs) => show(args, gains, unixNs),
  }),
};

function subnetsOf(args: ViewArguments): readonly string[] {
  return (args.text('subnets') ?? SUBNETS).split(',');
}

function checkSubnets(value: string): string | undefined {
  const list = value.split(',');
  if (list.length > MAX_SUBNETS) return `are too many networks: give at most ${String(MAX_SUBNETS)}`;
  try {
    list.forEach(parseCidr);
    return undefined;
  } catch (error) {
    return `must ${(error as Error).message}`;
  }
}

/** Networks that got nothing are left out. */
function show(args: ViewArguments, gains: readonly Gain[], unixNs: bigint): readonly ViewRow[] {
  const bytes = new Map<string, number>();
  for (const { attributes, value } of gains)
    if (attributes[ATTR_NETWORK_IO_DIRECTION] === NETWORK_IO_DIRECTION_VALUE_TRANSMIT) {
      const subnet = String(attributes[ATTR_PEER_CIDR]);
      bytes.set(subnet, (bytes.get(subnet) ?? 0) + value);
    }
  const unit = UNITS[args.text('format') ?? 'B'] ?? 1;
  const rows = [...bytes]
    .sort(([, a], [, b]) => b - a)
    .map(([subnet, sent]) => ({
      lines: [line(COLUMNS, [subnet, (sent / unit).toFixed(0)])],
      json: { time: timeStamp(unixNs), subnet, bytes: sent },
    }));
  return [{ lines: [`[${timeOfDay(unixNs)}]`] }, ...rows];
}
