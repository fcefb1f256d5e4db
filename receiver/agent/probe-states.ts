import type { Plan } from '../source/plan.ts';
import type { ProbeState } from '../telemetry/agent-sources.ts';

/** What became of every probe: `wirespan.agent.probe.status`. */
export function probeStates({
  attached,
  missing,
  disabled,
}: Pick<Plan, 'attached' | 'missing' | 'disabled'>): { readonly name: string; readonly state: ProbeState }[] {
  return [
    ...attached.map(({ probe }) => ({ name: probe, state: 'attached' as const })),
    ...missing.map(({ probe }) => ({ name: probe, state: 'unsupported' as const })),
    ...disabled.map((name) => ({ name, state: 'disabled' as const })),
  ];
}
