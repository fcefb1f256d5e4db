import type { AppConfig } from '../../config/index.ts';
import { METRIC_AGENT_PROBE_STATUS } from '../../semconv/index.ts';
import { ResourceBuilder } from '../enrich/resources.ts';
import { createExporters } from '../export/exporters.ts';
import { readHostFacts } from '../host/host-facts.ts';
import { readVersion } from '../cli/version.ts';
import type { Plan } from '../source/plan.ts';
import { createAgentTelemetry } from '../telemetry/agent-telemetry.ts';
import { found, type Finding } from './doctor-finding.ts';
import { probeStates } from './probe-states.ts';

const PATIENCE_MS = 5_000;
const CLOSING_MS = 500;
/** The probe without which there is nothing. */
const NOTHING_LOADED = [{ name: 'inet_sock_set_state', state: 'failed' as const }];

/**
 * Sends one metric of the agent to where metrics go, `wirespan.agent.probe.status`, and says what became of it.
 * @throws EndpointError for certificates, headers or a proxy that cannot be used
 */
export async function collectorFinding(config: AppConfig, plan: Plan | undefined): Promise<Finding> {
  const subject = 'collector';
  let cause = `no answer within ${String(PATIENCE_MS / 1000)} s`;
  const exporters = createExporters(config, {
    onState: (state, _endpoint, why) => {
      if (state !== 'unreachable') return;
      cause = why;
      exporters.metrics?.interrupt();
    },
    onRejected: (_signal, _items, why) => void (cause = why),
  });
  try {
    const { metrics } = exporters;
    const endpoint = exporters.origins().metrics;
    if (metrics === undefined || endpoint === undefined)
      return { subject, state: 'off', found: 'metrics are not sent (otlp.metrics.enabled)' };
    const telemetry = createAgentTelemetry({
      resource: new ResourceBuilder(readHostFacts(readVersion()), 'auto').agent,
      sources: { probes: () => (plan === undefined ? NOTHING_LOADED : probeStates(plan)) },
      temporality: config.temporality,
      isEnabled: ({ name }) => name === METRIC_AGENT_PROBE_STATUS.name,
      families: new Set(),
    });
    const points = await telemetry.collect(BigInt(Date.now()) * 1_000_000n);
    await metrics.export(points, performance.now() + PATIENCE_MS);
    const { exported } = metrics.counters();
    if (exported > 0)
      return found(subject, `${endpoint} took ${String(exported)} points of wirespan.agent.probe.status`);
    return {
      subject,
      state: 'failed',
      found: `${endpoint}: ${cause}`,
      advice:
        'start a collector there, or name yours: OTEL_EXPORTER_OTLP_ENDPOINT=http://…, or otlp.endpoint',
    };
  } finally {
    await exporters.shutdown(CLOSING_MS);
  }
}
