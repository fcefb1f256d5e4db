import { EVENT_TCP_WAKEUP_SLOW, METRIC_TCP_WAKEUP_DURATION } from '../../../semconv/index.ts';
import { PROBE_ID, ROW_MAP, WAKEUP_KEY, WAKEUP_SUMS } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import { nanoseconds, onTracepoint, type KernelFacts, type Probe, type Wanted } from '../kernel.ts';
import { wakeupDecoder } from './decode.ts';
import { wakeupEvents } from './events.ts';
import { WakeupSums } from './sums.ts';

export interface WakeupOptions {
  readonly wakeupDuration: boolean;
  /** Microseconds above which a record is made; 0: never. */
  readonly slowWakeupUs: number;
}

/** Threads at once that were woken and do not run yet: some 150 bytes each. Of more it is counted that they are not timed. */
const MAX_WAITING = 4_096;
/** The function of the kernel that tells the readers of a socket of data. */
const DATA_READY = 'sock_def_readable';
/** Where interrupts enter the kernel. */
const IRQ_ENTRY = ['__irqentry_text_start', '__irqentry_text_end'] as const;

const READY = 'ws_wakeup_ready';
const isWanted = ({ wakeupDuration, slowWakeupUs }: WakeupOptions): boolean =>
  wakeupDuration || slowWakeupUs > 0;

/** For nothing without the tracepoint that says where a call begins. */
function probe(tracepoint: string, program: string, name = tracepoint): Probe<WakeupOptions> {
  return { ...onTracepoint(tracepoint, program, { isWanted }), name, needs: [READY] };
}

/** From data being ready on a socket until its reader runs. */
export const wakeup: Family<WakeupOptions> = {
  name: 'wakeup',
  options,
  probes: [
    onTracepoint('sk_data_ready', READY, { isWanted }),
    probe('sched_waking', 'ws_wakeup_begin'),
    probe('sched_wakeup', 'ws_wakeup_end'),
    probe('sched_switch', 'ws_wakeup_run'),
    probe('softirq_entry', 'ws_wakeup_softirq', 'wakeup_softirq_entry'),
    probe('softirq_exit', 'ws_wakeup_softirq_end', 'wakeup_softirq_exit'),
  ],
  variables: (wanted, facts) => ({
    cfg_wakeup_duration: wanted.wakeupDuration,
    cfg_slow_wakeup_ns: nanoseconds(true, wanted.slowWakeupUs),
    ...codeVariables(wanted, facts),
  }),
  kernelMaps: [
    {
      name: 'wakeups',
      entries: ({ maxSeries, wakeupDuration }) => (wakeupDuration ? maxSeries : undefined),
      sizedBy: 'series',
      rows: { number: ROW_MAP.ROWS_WAKEUPS, overflowAt: WAKEUP_KEY.overflow, isOneEach: true },
    },
    {
      name: 'waiting_readers',
      entries: (wanted) => (isWanted(wanted) ? Math.min(MAX_WAITING, wanted.maxSeries) : undefined),
    },
  ],
  probeNames: { [PROBE_ID.PROBE_WAKEUP]: 'sk_data_ready' },
  records: [wakeupDecoder],
  sums: createSums,
  events: wakeupEvents,
};

/** The event is never on a trace: `correlated` asks for nothing. */
function options({ event, metric, thresholdsUs }: Wanted): WakeupOptions {
  return {
    wakeupDuration: metric(METRIC_TCP_WAKEUP_DURATION),
    slowWakeupUs: event(EVENT_TCP_WAKEUP_SLOW) === 'on' ? thresholdsUs.wakeup : 0,
  };
}

/** Where the code lies; nowhere when the kernel hides its addresses: then no wake-up is within it. */
function codeVariables(wanted: WakeupOptions, { codeOf }: KernelFacts): Readonly<Record<string, bigint>> {
  const irqEntry = isWanted(wanted) ? codeOf(...IRQ_ENTRY) : undefined;
  const dataReady = irqEntry && codeOf(DATA_READY);
  return {
    cfg_data_ready_from: dataReady?.from ?? 0n,
    cfg_data_ready_to: dataReady?.to ?? 0n,
    cfg_irq_entry_from: irqEntry?.from ?? 0n,
    cfg_irq_entry_to: irqEntry?.to ?? 0n,
  };
}

/** Off by default: the kernel's map is read only when it is filled. */
function createSums({ context }: SumsParts): FamilySums {
  if (!context.isOn(METRIC_TCP_WAKEUP_DURATION)) return { maps: [] };
  const wakeups = new WakeupSums(context);
  const { size, uses } = WAKEUP_SUMS;
  const rows = { size, useAt: uses, forget: (id: string) => wakeups.forget(id) };
  return { maps: [{ map: 'wakeups', update: (image) => wakeups.update(image), rows }] };
}
