import { agentSettings, kernelSettings, profileSettings, shapeSettings } from './sections/agent.ts';
import { healthSettings } from './sections/health.ts';
import { exportSettings, otlpSettings } from './sections/export.ts';
import { packetSettings } from './sections/packets.ts';
import { signalSettings } from './sections/signals.ts';
import { thresholdSettings } from './sections/thresholds.ts';
import { flatten, groupsOf, type Schema } from './setting.ts';

/** Every setting by key path, grouped as the pipeline is. */
export const SCHEMA: Schema = flatten({
  ...profileSettings,
  ...kernelSettings,
  ...signalSettings,
  ...thresholdSettings,
  ...packetSettings,
  ...shapeSettings,
  ...otlpSettings,
  ...exportSettings,
  ...agentSettings,
  ...healthSettings,
});

/** Names that hold keys and are none themselves. */
export const GROUPS: ReadonlySet<string> = groupsOf(SCHEMA);
