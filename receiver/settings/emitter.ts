import type { AppConfig } from '../../config/index.ts';
import type { EmitterSettings } from '../correlate/emitter.ts';

/** What the configuration says of events and spans. */
export function emitterSettingsOf(config: AppConfig): EmitterSettings {
  const { events, spans, eventRateLimit, spanLimits, sampling } = config;
  return {
    events: Object.fromEntries(events),
    spans: Object.fromEntries(spans),
    rateLimit: eventRateLimit,
    spanLimits: {
      perSecond: spanLimits.rateLimit,
      maxPerParent: spanLimits.maxPerParent,
      maxPerTrace: spanLimits.maxPerTrace,
    },
    connectionSampling: { ratio: sampling.connectionRatio, slowSeconds: sampling.connectionSlowMs / 1e3 },
  };
}
