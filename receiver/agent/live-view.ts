import type { AppConfig } from '../../config/index.ts';
import type { LiveView } from '../cli/table-frames.ts';
import type { Exporters } from '../export/exporters.ts';
import type { KernelSource } from '../source/kernel-source.ts';
import type { Pipeline } from './pipeline.ts';

/** How often the agent does what is done often. */
export const TICK_MS = 1000;

/** Whom the live view is of. */
export interface Viewed {
  readonly pipeline: Pipeline;
  readonly source: KernelSource;
  readonly exporters: Exporters;
}

/** What the live view shows now. Sums are read for it where collections are too rare. */
export function liveView(config: AppConfig, { pipeline, source, exporters }: Viewed): LiveView {
  if (config.metricExport.intervalMs > TICK_MS) {
    pipeline.lastPass = source.pass(pipeline.clock.now());
    pipeline.readSums();
  }
  const rows = pipeline.liveRows();
  const { metrics } = exporters.counters();
  const status = `${String(source.trackedConnections())} connections · ${exporters.origins().metrics ?? 'no metrics'} · ${String(metrics.exported)} points exported`;
  return { rows, status, groupBy: config.groupBy };
}
