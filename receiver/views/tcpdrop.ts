import { ATTR_CODE_STACKTRACE, EVENT_PACKET_DROP } from '../../semconv/index.ts';
import type { DropRecord, KernelRecord } from '../model/record.ts';
import {
  commandOf,
  flagNames,
  line,
  ownerJson,
  stateName,
  timeOfDay,
  timeStamp,
  titles,
  traceJson,
  traceTexts,
  type Column,
} from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { NETNS_OF_BCC, netnsOption } from './netns-options.ts';
import { TRACE, type ViewArguments } from './options.ts';
import type { View, ViewRow, ViewRun, ViewTools } from './view.ts';

/** Packets that the kernel drops. */
export const tcpdrop: View = {
  name: 'tcpdrop',
  summary: 'TCP packets that this kernel drops: why, where, and whose they were',
  example: ['wirespan tcpdrop -s', 'with the kernel functions that led to it'],
  options: [
    { long: 'stack', short: 's', help: 'the stack of the kernel, innermost function first' },
    netnsOption(),
    ...NETNS_OF_BCC,
    TRACE,
    SHOW_CONTAINER,
  ],
  needs: (args) => ({
    events: [EVENT_PACKET_DROP],
    attributes: args.has('stack') ? [ATTR_CODE_STACKTRACE] : [],
    traces: args.has(TRACE.long),
    probes: ['kfree_skb'],
  }),
  start: (args, tools) => new Drops(args, tools),
};

class Drops implements ViewRun {
  readonly header: string;
  readonly #columns: readonly Column[];
  readonly #hasTrace: boolean;
  readonly #hasStack: boolean;
  readonly #tools: ViewTools;

  constructor(args: ViewArguments, tools: ViewTools) {
    this.#tools = tools;
    this.#hasTrace = args.has(TRACE.long);
    this.#hasStack = args.has('stack');
    this.#columns = [
      ['TIME', 8],
      ['PID', 7],
      ['COMM', 12],
      ['IP', 2],
      ['SADDR:SPORT', 22],
      ['>', 1],
      ['DADDR:DPORT', 22],
      ['STATE', 12],
      ['(FLAGS)', 9],
      ['REASON', 20],
      ['FUNCTION', 20],
      ...(this.#hasTrace ? [['TRACE', 32] as const] : []),
    ];
    this.header = titles(this.#columns);
  }

  row(record: KernelRecord): ViewRow | undefined {
    if (record.kind !== 'drop') return undefined;
    const { names, toUnixNs } = this.#tools;
    const place = names.functionAt(record.location);
    const addresses = this.#hasStack ? record.stack : [];
    const stack = addresses.map((address) => names.functionAt(address) ?? `0x${address.toString(16)}`);
    const texts = [
      timeOfDay(toUnixNs(record.timeNs)),
      String(record.owner.pid),
      commandOf(record.owner),
      String(record.family),
      endOf(record.sourceAddress, record.sourcePort),
      '>',
      endOf(record.destinationAddress, record.destinationPort),
      stateName(record.state),
      `(${flagNames(record.flags).join('|')})`,
      names.dropReason(record.reason),
      place ?? '-',
      ...traceTexts(this.#hasTrace, record.context),
    ];
    return {
      lines: [line(this.#columns, texts), ...stack.map((name) => `\t${name}`)],
      json: {
        ...dropJson(record, this.#tools),
        ...traceJson(this.#hasTrace, record.context),
        function: place ?? null,
        ...(stack.length > 0 && { stack }),
      },
    };
  }
}

/** '-': the packet had no header yet. */
function endOf(address: string, port: number): string {
  return address === '' ? '-' : `${address}:${String(port)}`;
}

function dropJson(record: DropRecord, tools: ViewTools): Readonly<Record<string, unknown>> {
  return {
    time: timeStamp(tools.toUnixNs(record.timeNs)),
    ...ownerJson(record.owner),
    netns: record.netns,
    socket: record.cookie === 0n ? null : record.cookie.toString(),
    ip: record.family,
    source_address: record.sourceAddress,
    source_port: record.sourcePort,
    destination_address: record.destinationAddress,
    destination_port: record.destinationPort,
    state: record.state ?? null,
    flags: flagNames(record.flags),
    reason: tools.names.dropReason(record.reason),
    interface: record.interfaceName === '' ? null : record.interfaceName,
  };
}
