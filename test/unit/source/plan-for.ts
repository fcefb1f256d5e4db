/** Plans for kernels that there are. */
import { FAMILIES } from '../../../receiver/signals/index.ts';
import type { VariableValue } from '../../../receiver/signals/kernel.ts';
import {
  withBestPlan,
  type KernelAnswers,
  type Plan,
  type PlanOptions,
} from '../../../receiver/source/plan.ts';
import { ALL_SIGNALS } from '../../support/watcher.ts';
import { LINUX_6_18_BARE, type Kernel } from './kernels.ts';

export const EVERYTHING: PlanOptions = {
  ...ALL_SIGNALS,
  costlyVariants: false,
  receive: true,
  exchangePhases: true,
};

/** Tracepoints that kernels have or have not. */
export const KNOWN = new Set([...Object.keys(LINUX_6_18_BARE.tracepoints)]);

export function answersOf({ tracepoints, loads }: Kernel, asked: string[] = []): KernelAnswers {
  return {
    // A probe that these tests do not know of is no difference between their kernels.
    tracepointArity: (tracepoint) => (KNOWN.has(tracepoint) ? tracepoints[tracepoint] : 1),
    canLoad: (program) => {
      asked.push(program);
      return loads.includes(program) ? { ok: true } : { ok: false, why: `errno 1 for ${program}` };
    },
  };
}

export function planFor(kernel: Kernel, options: Partial<PlanOptions> = {}): Plan {
  return planWith(kernel, { ...EVERYTHING, ...options });
}

export function planWith(kernel: Kernel, options: PlanOptions): Plan {
  return withBestPlan(answersOf(kernel), options, (plan) => plan);
}

const NO_NUMBERS = { dropReasons: {}, statistics: {}, codeOf: () => undefined };

export function variableOf(plan: Plan, name: string): VariableValue | undefined {
  const all = FAMILIES.map((family) => family.variables?.(EVERYTHING, { ...plan, ...NO_NUMBERS }) ?? {});
  return all.find((variables) => name in variables)?.[name];
}
