/** What the running kernel can do, for tests that expect less of one that cannot. */
import { fileURLToPath } from 'node:url';
import { kernelAnswers } from '../../receiver/source/attach.ts';
import type { KernelAnswers, Plan } from '../../receiver/source/plan.ts';
import { hasMoreArguments } from '../../receiver/signals/kernel.ts';

const OBJECT = fileURLToPath(new URL('../../build/bpf/wirespan.bpf.o', import.meta.url));

/** What was answered before: a kernel says the same of a program each time, and to ask takes long where it is emulated. */
const known = new Map<string, ReturnType<KernelAnswers['canLoad']>>();

/** The kernel's answers. Programs of `refused` are taken for refused, so that tests reach the variants behind them. */
export function answersWithout(refused: readonly string[], cgroupRoot: string | undefined): KernelAnswers {
  const kernel = kernelAnswers(OBJECT, cgroupRoot);
  return {
    tracepointArity: (tracepoint) => kernel.tracepointArity(tracepoint),
    canLoad: (program) => {
      if (refused.includes(program)) return { ok: false, why: 'not to be used' };
      const question = `${program} ${cgroupRoot ?? ''}`;
      const answer = known.get(question) ?? kernel.canLoad(program);
      known.set(question, answer);
      return answer;
    },
  };
}

/** Whether the kernel takes this program of ours. */
export function canLoad(program: string): boolean {
  return answersWithout([], undefined).canLoad(program).ok;
}

/** Whether it tells the socket that a dropped packet was for. */
export function hasDropReceiver(plan: Plan): boolean {
  return hasMoreArguments(plan, 'kfree_skb', 3);
}

/** Whether it tells why it sent an RST. */
export function hasResetReason(plan: Plan): boolean {
  return hasMoreArguments(plan, 'tcp_send_reset', 2);
}
