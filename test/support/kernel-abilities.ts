/** What the running kernel can do, for tests that expect less of one that cannot. */
import { fileURLToPath } from 'node:url';
import { tryLoad } from '../../native/index.ts';
import { kernelAnswers, type Answer } from '../../receiver/source/attach.ts';
import type { KernelAnswers, Plan } from '../../receiver/source/plan.ts';
import { hasMoreArguments } from '../../receiver/signals/kernel.ts';

const OBJECT = fileURLToPath(new URL('../../build/bpf/wirespan.bpf.o', import.meta.url));

/** What was learned before: a kernel says the same of a program each time, and to ask takes long where it is emulated. */
const learned = new Map<string, Answer>();

/** The kernel's answers. Programs of `refused` are taken for refused, so that tests reach the variants behind them. */
export function answersWithout(refused: readonly string[], cgroupRoot: string | undefined): KernelAnswers {
  const kernel = kernelAnswers(OBJECT, cgroupRoot, learned);
  return {
    ...kernel,
    canLoad: (program) =>
      refused.includes(program) ? { ok: false, why: 'not to be used' } : kernel.canLoad(program),
  };
}

const loaded = new Map<string, boolean>();

/** Whether the kernel takes this program of ours: it is loaded for it, once. */
export function canLoad(program: string): boolean {
  const ok = loaded.get(program) ?? tryLoad(OBJECT, program).ok;
  loaded.set(program, ok);
  return ok;
}

/** Whether it tells the socket that a dropped packet was for. */
export function hasDropReceiver(plan: Plan): boolean {
  return hasMoreArguments(plan, 'kfree_skb', 3);
}

/** Whether it tells why it sent an RST. */
export function hasResetReason(plan: Plan): boolean {
  return hasMoreArguments(plan, 'tcp_send_reset', 2);
}
