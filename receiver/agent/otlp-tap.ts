import type { AppConfig } from '../../config/index.ts';
import type { Logger } from '../cli/log.ts';
import type { OtlpJoin } from '../correlate/otlp-join.ts';
import { createTap, type Tap } from '../tap/tap.ts';
import type { BoundCounts } from './bounds.ts';

const UNTAKEN =
  'no collector takes what applications send; it is held and tried again, and what finds no room is answered so that their SDKs keep it';

/** The OTLP endpoint for local applications, when it is on, with the log of what a user may want to know of it. */
export function createAgentTap(
  { otlp, otlpTap }: AppConfig,
  log: Logger,
  join: OtlpJoin | undefined,
): Tap | undefined {
  if (otlpTap === undefined) return undefined;
  return createTap(
    { ...otlpTap, otlp },
    {
      onState: (state, endpoint, cause) => {
        if (state === 'reachable') log.info({ endpoint }, 'a collector takes what applications send again');
        else log.warn({ endpoint, cause }, UNTAKEN);
      },
      onRejected: (signal, count, cause) =>
        log.warn(
          { signal, count, cause },
          'the collector rejected telemetry of applications; it is counted as lost',
        ),
      onServerSpans: (spans, from) => join?.see(spans, from),
      onRefused: (signal, requests, cause) =>
        log.warn({ signal, requests, cause }, 'the OTLP tap refused requests of applications for good'),
    },
  );
}

/** What the bounds of the tap kept out. */
export function tapBounds(tap: Tap | undefined): BoundCounts {
  if (tap === undefined) return {};
  const full = Object.values(tap.counters()).reduce((sum, { failed }) => sum + failed.queue_full, 0);
  return {
    'requests of applications that their SDKs are to send again (correlation.otlp_tap.queue_size, queue_bytes)':
      full,
    'connections of applications to the OTLP tap (correlation.otlp_tap.max_connections)':
      tap.refusedConnections(),
  };
}
