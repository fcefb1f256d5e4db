import type { SamplesWanted } from '../../model/samples.ts';
import type { Family } from '../family.ts';
import { onTracepoint } from '../kernel.ts';

export interface SampleOptions {
  readonly samples: SamplesWanted | undefined;
}

/** Histograms at once: addresses, limits of queues, softirqs. */
const MAX_HISTOGRAMS = 4096;

const isOf =
  (what: SamplesWanted['of']) =>
  ({ samples }: SampleOptions): boolean =>
    samples?.of === what;

/** Histograms of views, by powers of two. No metric is made of them. */
export const sample: Family<SampleOptions> = {
  name: 'sample',
  options: ({ samples }) => ({ samples }),
  probes: [
    onTracepoint('tcp_probe', 'ws_rtt_sample', { isWanted: isOf('rtt'), isOfViews: true }),
    onTracepoint('inet_sock_set_state', 'ws_backlog_sample', { isWanted: isOf('backlog'), isOfViews: true }),
  ],
  variables: ({ samples }) => ({
    cfg_sample_unit: BigInt(samples?.unit ?? 0),
    cfg_sample_local: samples?.by.includes('local') ?? false,
    cfg_sample_remote: samples?.by.includes('remote') ?? false,
    cfg_sample_cpu: samples?.by.includes('cpu') ?? false,
  }),
  kernelMaps: [
    { name: 'samples', entries: ({ samples }) => (samples === undefined ? undefined : MAX_HISTOGRAMS) },
  ],
};
