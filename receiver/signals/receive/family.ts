import { EVENT_TCP_LATENCY_OUTLIER, METRIC_TCP_RECEIVE_QUEUE_DURATION } from '../../../semconv/index.ts';
import { PROBE_ID, RECEIVE_SUMS, ROW_MAP, SERIES_KEY } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import { onTracepoint, type Wanted } from '../kernel.ts';
import { ReceiveWaits } from './sums.ts';

export interface ReceiveOptions {
  /** Data is followed until it is read: programs that run for each segment. */
  readonly receive: boolean;
  readonly receiveDuration: boolean;
}

const isWanted = (wanted: ReceiveOptions): boolean => wanted.receive;

/** How long data waited to be read. */
export const receive: Family<ReceiveOptions> = {
  name: 'receive',
  options,
  probes: [
    onTracepoint('tcp_probe', 'ws_data_arrived', { isWanted }),
    onTracepoint('tcp_rcv_space_adjust', 'ws_data_read', { isWanted }),
  ],
  variables: (wanted) => ({
    cfg_receive: wanted.receive,
    cfg_receive_duration: wanted.receiveDuration,
  }),
  kernelMaps: [
    {
      name: 'receives',
      entries: ({ maxSeries, receiveDuration }) => (receiveDuration ? maxSeries : undefined),
      sizedBy: 'series',
      rows: { number: ROW_MAP.ROWS_RECEIVES, overflowAt: SERIES_KEY.overflow },
    },
  ],
  probeNames: { [PROBE_ID.PROBE_RECEIVE]: 'tcp_probe' },
  sums: createSums,
};

function options({ metric, event, thresholdsUs }: Wanted): ReceiveOptions {
  const receiveDuration = metric(METRIC_TCP_RECEIVE_QUEUE_DURATION);
  const isSlowWanted = event(EVENT_TCP_LATENCY_OUTLIER) === 'on' && thresholdsUs.receiveQueue > 0;
  return { receive: receiveDuration || isSlowWanted, receiveDuration };
}

/** Off by default: the kernel's map is read only when it is filled. */
function createSums({ context }: SumsParts): FamilySums {
  if (!context.isOn(METRIC_TCP_RECEIVE_QUEUE_DURATION)) return { maps: [] };
  const waits = new ReceiveWaits(context);
  const { size, uses } = RECEIVE_SUMS;
  const rows = { size, useAt: uses, forget: (id: string) => waits.forget(id) };
  return { maps: [{ map: 'receives', update: (image) => waits.update(image), rows }] };
}
