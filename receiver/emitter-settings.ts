import type { AppConfig } from '../config/index.ts';
import type { EmitterSettings } from './correlate/emitter.ts';

/** What the configuration says of events and spans. */
export function emitterSettingsOf({ events, spans, eventRateLimit, spanLimits }: AppConfig): EmitterSettings {
  return {
    events: Object.fromEntries(events),
    spans: Object.fromEntries(spans),
    rateLimit: eventRateLimit,
    spanLimits: {
      perSecond: spanLimits.rateLimit,
      maxPerParent: spanLimits.maxPerParent,
      maxPerTrace: spanLimits.maxPerTrace,
    },
  };
}
