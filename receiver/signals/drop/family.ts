import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_CODE_STACKTRACE,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_SERVER_PORT,
  EVENT_PACKET_DROP,
  METRIC_PACKET_DROPPED,
  SPAN_PACKET_DROP,
} from '../../../semconv/index.ts';
import { DROP_KEY, PROBE_ID, ROW_MAP } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import {
  hasMoreArguments,
  modeNumber,
  modeWith,
  onTracepoint,
  type KernelFacts,
  type RecordMode,
  type VariableValue,
  type Wanted,
} from '../kernel.ts';
import { dropDecoder } from './decode.ts';
import { DropEvents } from './events.ts';
import { dropExemplars } from './exemplars.ts';
import { DropDetails } from './details.ts';
import { rareDrops } from './rare.ts';
import { DropSums } from './sums.ts';
import { claimersOf, UnownedSums } from './unowned.ts';

export interface DropOptions {
  readonly emit: { readonly drop: RecordMode };
  readonly drops: boolean;
  readonly dropStacks: boolean;
  /** What rows are told apart by, besides the usual. */
  readonly details: {
    readonly dropFunction: boolean;
    readonly dropInterface: boolean;
    readonly dropState: boolean;
    readonly dropPort: boolean;
  };
}

/** Dropped packets, those without a socket too. */
export const drop: Family<DropOptions> = {
  name: 'drop',
  options,
  probes: [onTracepoint<DropOptions>('kfree_skb', 'ws_drop', { isWanted: ({ drops }) => drops })],
  variables,
  kernelMaps: [
    { name: 'drops', rows: { number: ROW_MAP.ROWS_DROPS, overflowAt: DROP_KEY.overflow }, isTold: true },
    { name: 'drop_sites', isTold: true },
    { name: 'unowned_drops', isTold: true },
  ],
  probeNames: { [PROBE_ID.PROBE_DROP]: 'kfree_skb' },
  records: [dropDecoder],
  sums: createSums,
  rare: rareDrops,
  events: (parts) => new DropEvents(parts),
  exemplars: dropExemplars,
};

function options(wanted: Wanted): DropOptions {
  const { attributes } = wanted;
  const mode = wanted.event(EVENT_PACKET_DROP);
  const isSpanWanted = wanted.span(SPAN_PACKET_DROP) !== 'off';
  const hasEpisodes = (wanted.http1 || wanted.http2 || wanted.hook || wanted.threadContext) && isSpanWanted;
  return {
    emit: { drop: modeWith(mode, hasEpisodes || wanted.exemplars(METRIC_PACKET_DROPPED)) },
    drops: wanted.metric(METRIC_PACKET_DROPPED) || hasEpisodes || mode !== 'off',
    dropStacks: attributes.has(ATTR_CODE_STACKTRACE),
    details: {
      dropFunction: attributes.has(ATTR_CODE_FUNCTION_NAME),
      dropInterface: attributes.has(ATTR_NETWORK_INTERFACE_NAME),
      dropState: attributes.has(ATTR_NETWORK_CONNECTION_STATE),
      dropPort: attributes.has(ATTR_SERVER_PORT),
    },
  };
}

function variables(wanted: DropOptions, facts: KernelFacts): Readonly<Record<string, VariableValue>> {
  const { emit, details, dropStacks } = wanted;
  return {
    cfg_emit_drop: modeNumber(emit.drop),
    cfg_drop_stack: dropStacks,
    cfg_drop_function: details.dropFunction,
    cfg_drop_interface: details.dropInterface,
    cfg_drop_state: details.dropState,
    cfg_drop_port: details.dropPort,
    cfg_drop_has_reason: hasMoreArguments(facts, 'kfree_skb', 2),
    cfg_drop_has_rx_sk: hasMoreArguments(facts, 'kfree_skb', 3),
    cfg_drop_consumed: BigInt(facts.dropReasons['SKB_CONSUMED'] ?? 0),
    cfg_drop_queue_purge: reasonOf(facts, 'QUEUE_PURGE'),
    cfg_drop_not_specified: reasonOf(facts, 'NOT_SPECIFIED'),
    cfg_drop_old_sequence: reasonOf(facts, 'TCP_OLD_SEQUENCE', 'TCP_INVALID_SEQUENCE'),
    cfg_drop_invalid_syn: reasonOf(facts, 'TCP_INVALID_SYN'),
    cfg_drop_reset: reasonOf(facts, 'TCP_RESET'),
  };
}

/** The first of these that the kernel has; 0: none. */
function reasonOf({ dropReasons }: KernelFacts, ...names: readonly string[]): bigint {
  const numbers = names.map((name) => dropReasons[`SKB_DROP_REASON_${name}`]);
  return BigInt(numbers.find((number) => number !== undefined) ?? 0);
}

function createSums({ context, kernel, host, now }: SumsParts): FamilySums {
  const details = new DropDetails(kernel);
  const drops = new DropSums(context, details);
  const unowned = new UnownedSums({
    nowMs: () => Number(now()) / 1e6,
    context,
    details,
    delete: (map, key) => kernel.delete(map, key),
    isLocal: (end, { pid }) => host.isLocal(end, pid),
  });
  const rows = { size: 8, useAt: 0, forget: (id: string) => drops.forget(id) };
  return {
    maps: [{ map: 'drops', update: (image) => drops.update(image), rows }],
    // Most intervals have no drop without a socket: then nothing is looked for.
    pass: (nowNs) => (kernel.hasUnowned || unowned.hasRows ? settleUnowned(nowNs) : undefined),
    show: (table) => table.addLosses('drops', kernel.read('drops'), DROP_KEY.owner, context.ownerAt),
    awaited: () => (kernel.hasUnowned ? claimersOf(kernel.read('unowned_drops')) : []),
  };

  function settleUnowned(nowNs: bigint): number {
    const { pass, bank } = kernel.passForUnowned(nowNs);
    host.forgetAddresses();
    unowned.settle({
      drops: kernel.read('unowned_drops'),
      listenEnds: kernel.read('listen_ends'),
      bank,
      pass,
    });
    return pass;
  }
}
