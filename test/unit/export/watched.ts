import type { Exporters } from '../../../receiver/export/exporters.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import type { Signal } from '../../../receiver/export/options.ts';
import { exportSettings, type ExportGiven } from '../../support/export-settings.ts';
import { spanOf } from '../../support/items.ts';

export const quickRetry = { initialMs: 5, maxMs: 40 };
const quickQueue = { delayMs: 5 };

/** Exporters whose messages are kept. */
interface Watched {
  exporters: Exporters;
  states: string[];
  /** Why a collector could not be reached. */
  causes: string[];
  rejections: [Signal, number, string][];
}

export function watch(given: ExportGiven): Watched {
  const states: string[] = [];
  const causes: string[] = [];
  const rejections: [Signal, number, string][] = [];
  const exporters = createExporters(
    exportSettings({ retry: quickRetry, queues: { traces: quickQueue, logs: quickQueue }, ...given }),
    {
      onState: (state, _endpoint, cause) => {
        states.push(state);
        if (cause !== '') causes.push(cause);
      },
      onRejected: (signal, items, cause) => rejections.push([signal, items, cause]),
    },
  );
  return { exporters, states, causes, rejections };
}

export function addSpans(exporters: Exporters, count: number): void {
  for (let i = 1; i <= count; i += 1) exporters.addSpan(spanOf(i));
}
