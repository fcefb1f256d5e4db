/** What the running kernel can do, for tests that expect less of one that cannot. */
import { fileURLToPath } from 'node:url';
import { tryLoad } from '../../native/index.ts';
import type { Plan } from '../../receiver/source/plan.ts';
import { hasMoreArguments } from '../../receiver/signals/kernel.ts';

const OBJECT = fileURLToPath(new URL('../../build/bpf/wirespan.bpf.o', import.meta.url));

/** Whether the kernel takes this program of ours. */
export function canLoad(program: string): boolean {
  return tryLoad(OBJECT, program).ok;
}

/** Whether it tells the socket that a dropped packet was for. */
export function hasDropReceiver(plan: Plan): boolean {
  return hasMoreArguments(plan, 'kfree_skb', 3);
}

/** Whether it tells why it sent an RST. */
export function hasResetReason(plan: Plan): boolean {
  return hasMoreArguments(plan, 'tcp_send_reset', 2);
}
