import { ATTR_PEER_CIDR, EVENT_TCP_RESET, METRIC_TCP_RESETS } from '../../../semconv/index.ts';
import { PROBE_ID, RESET_KEY, ROW_MAP } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import { hasMoreArguments, isAttached, onTracepoint, type Wanted } from '../kernel.ts';
import { resetDecoder } from './decode.ts';
import { resetEvents } from './events.ts';
import { rareResets } from './rare.ts';
import { ResetSums } from './sums.ts';

export interface ResetOptions {
  readonly emit: { readonly reset: boolean };
  readonly resets: boolean;
  /** `resetCidr`: rows by the peer's subnet. */
  readonly details: { readonly resetCidr: boolean };
}

const isWanted = ({ resets }: ResetOptions): boolean => resets;

/** RSTs, sent and received. */
export const reset: Family<ResetOptions> = {
  name: 'reset',
  options,
  probes: [
    onTracepoint('tcp_send_reset', 'ws_reset_sent', { isWanted }),
    onTracepoint('tcp_receive_reset', 'ws_reset_received', { isWanted }),
  ],
  variables: ({ emit, details }, chosen) => ({
    cfg_emit_reset: emit.reset,
    cfg_reset_cidr: details.resetCidr,
    cfg_sees_resets: isAttached(chosen, 'ws_reset_received'),
    cfg_reset_has_reason: hasMoreArguments(chosen, 'tcp_send_reset', 2),
  }),
  kernelMaps: [
    { name: 'resets', rows: { number: ROW_MAP.ROWS_RESETS, overflowAt: RESET_KEY.overflow }, isTold: true },
    { name: 'unsure_resets', isTold: true },
  ],
  probeNames: { [PROBE_ID.PROBE_RESET]: 'tcp_send_reset' },
  records: [resetDecoder],
  sums: createSums,
  rare: rareResets,
  events: resetEvents,
};

/** The event is never on a trace: `correlated` asks for nothing. */
function options({ event, metric, attributes }: Wanted): ResetOptions {
  const isOn = event(EVENT_TCP_RESET) === 'on';
  return {
    emit: { reset: isOn },
    resets: metric(METRIC_TCP_RESETS) || isOn,
    details: { resetCidr: attributes.has(ATTR_PEER_CIDR) },
  };
}

function createSums({ context, kernel }: SumsParts): FamilySums {
  const resets = new ResetSums(context, (reason) => kernel.names.resetReason(reason));
  const rows = { size: 8, useAt: 0, forget: (id: string) => resets.forget(id) };
  return {
    maps: [{ map: 'resets', update: (image) => resets.update(image), rows }],
    show: (table) => table.addLosses('resets', kernel.read('resets'), RESET_KEY.owner, context.ownerAt),
  };
}
