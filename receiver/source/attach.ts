import { kernelFunctionArity, tryLoad, type BpfSession } from '../../native/index.ts';
import type { KernelAnswers, Plan } from './plan.ts';

/** Programs that are attached to a control group: at the root, they meet what every group does. */
const OF_CGROUP: ReadonlySet<string> = new Set(['ws_announce', 'ws_arrive']);

/** What the running kernel says of the programs of this object. `cgroupRoot`: mount point of cgroup v2. */
export function kernelAnswers(object: string, cgroupRoot: string | undefined): KernelAnswers {
  return {
    tracepointArity: (tracepoint) => kernelFunctionArity(`btf_trace_${tracepoint}`),
    canLoad: (program) => {
      const isOfCgroup = OF_CGROUP.has(program);
      if (isOfCgroup && cgroupRoot === undefined) return { ok: false, why: 'no cgroup v2 is mounted' };
      const answer = tryLoad(object, program, isOfCgroup ? cgroupRoot : undefined);
      return answer.ok ? { ok: true } : { ok: false, why: `errno ${String(answer.errno)}` };
    },
  };
}

/** Attaches what the plan chose, in its order. */
export function attachPrograms(session: BpfSession, plan: Plan, cgroupRoot = ''): void {
  for (const { program } of plan.attached)
    if (OF_CGROUP.has(program)) session.attachCgroup(program, cgroupRoot);
    else session.attach(program);
}
