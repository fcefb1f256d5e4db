import type { Logger } from '../cli/log.ts';
import type { Exporters, ExportListeners } from '../export/exporters.ts';

const UNTAKEN =
  'no collector takes telemetry there; trying on in the background, metrics are kept and will be right when it does';

/** Logs what a user may want to know of the agent's exports. */
export function exportListeners(log: Logger, origins: Exporters['origins']): ExportListeners {
  return {
    onState(state, endpoint, cause) {
      if (state === 'reachable') log.info({ endpoint }, 'the collector is reachable again');
      else log.warn({ endpoint, cause }, UNTAKEN);
    },
    onRejected: (signal, items, cause) =>
      log.warn(
        { signal, endpoint: origins()[signal], items, cause },
        'the collector rejected telemetry; it is counted as lost',
      ),
    onLibrary: (line) => log.warn({ line }, 'the gRPC library says'),
  };
}
