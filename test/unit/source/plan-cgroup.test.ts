import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LINUX_6_12, LINUX_6_1_ARM64 } from './kernels.ts';
import { planFor, variableOf } from './plan-for.ts';

const ARRIVALS_UNREAD =
  ': what the answers of local servers lose is on no trace. It needs CAP_NET_ADMIN, a mounted cgroup v2, and writes that are met without a kprobe; correlation.http1=clients does without';

describe('the plan of programs at the root of cgroup v2', () => {
  it('takes announcements only where they are wanted', () => {
    for (const hook of [true, false]) {
      const plan = planFor(LINUX_6_12, { hook });
      assert.equal(
        plan.attached.some(({ program }) => program === 'ws_announce'),
        hook,
      );
      assert.equal(variableOf(plan, 'cfg_hook'), hook);
      assert.deepEqual(plan.missing, []);
    }
  });

  it('reads requests where they arrive only where that is wanted, and answers are met with a type', () => {
    for (const [options, isRead] of [
      [{}, true],
      [{ arrivals: false }, false],
      [{ requests: false }, false],
    ] as const) {
      const plan = planFor(LINUX_6_12, { ...options, exchangePhases: isRead });
      for (const program of ['ws_arrive', 'ws_exchange_read'])
        assert.equal(
          plan.attached.some((each) => each.program === program),
          isRead,
        );
      assert.equal(variableOf(plan, 'cfg_serves'), isRead);
      assert.deepEqual(plan.missing, []);
    }
    assert.equal(variableOf(planFor(LINUX_6_1_ARM64), 'cfg_serves'), false);
    const refused = planFor({
      ...LINUX_6_12,
      loads: LINUX_6_12.loads.filter((name) => name !== 'ws_arrive'),
    });
    assert.deepEqual(refused.missing, [
      {
        probe: 'cgroup_ingress',
        why: `cgroup_skb/ingress is refused (errno 1 for ws_arrive)${ARRIVALS_UNREAD}`,
      },
      { probe: 'exchange_read', why: 'ws_arrive is not attached' },
    ]);
  });
});
