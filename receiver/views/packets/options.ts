import type { PacketsWanted } from '../../model/packets.ts';
import { netnsOption } from '../netns-options.ts';
import {
  checkAddress,
  countOption,
  MINIMUM,
  portsOption,
  type ViewArguments,
  type ViewOption,
} from '../options.ts';
import type { Way } from '../../packets/ways.ts';

const DEFAULT_THRESHOLD_MS = 1;
const PORTS = portsOption('port', 'P', 'packets from or to one of these ports only');
const ADDRESS: ViewOption = {
  long: 'address',
  short: 'a',
  value: 'ADDRESS',
  check: checkAddress,
  help: 'packets from or to this address only',
};
const INTERFACE: ViewOption = {
  long: 'interface',
  short: 'i',
  value: 'NAME',
  help: 'packets that come through an interface of this name only',
};
const THRESHOLD: ViewOption = {
  ...MINIMUM,
  long: 'threshold',
  help: `what takes more milliseconds is marked slow; ${String(DEFAULT_THRESHOLD_MS)} unless given`,
};
const SLOW: ViewOption = { long: 'slow', short: 's', help: 'slow packets only' };
const COUNT = countOption('end after so many packets');

/** The options of views of packets. */
export const PACKET_OPTIONS: readonly ViewOption[] = [
  PORTS,
  ADDRESS,
  INTERFACE,
  netnsOption(),
  THRESHOLD,
  SLOW,
  COUNT,
];

export function wantedPackets(args: ViewArguments, reads: boolean): PacketsWanted {
  return { ports: [...(args.ports(PORTS.long) ?? [])], address: args.text(ADDRESS.long), reads };
}

export interface PacketLimits {
  readonly thresholdMs: number;
  /** Undefined: no end. */
  readonly count: number | undefined;
  readonly isSlowAlone: boolean;
  /** Whether what the kernel does not leave out by itself is shown. */
  isShown(way: Way): boolean;
}

export function packetLimits(args: ViewArguments): PacketLimits {
  const ports = args.ports(PORTS.long);
  const name = args.text(INTERFACE.long);
  const netns = args.number('netns');
  return {
    thresholdMs: args.number(THRESHOLD.long) ?? DEFAULT_THRESHOLD_MS,
    count: args.number(COUNT.long),
    isSlowAlone: args.has(SLOW.long),
    isShown: ({ points }) =>
      (ports === undefined ||
        points.some((at) => ports.has(at.sourcePort) || ports.has(at.destinationPort))) &&
      (name === undefined || points.some((at) => at.interfaceName === name)) &&
      (netns === undefined || points.some((at) => at.netns === netns)),
  };
}
