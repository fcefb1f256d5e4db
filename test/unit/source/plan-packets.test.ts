import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanOptions } from '../../../receiver/source/plan.ts';
import { LINUX_6_12 } from './kernels.ts';
import { planFor } from './plan-for.ts';

/** Those at points of packets, without the two at reads. */
const PROGRAMS = 7;

test('the plan has the programs of packets only when packets are followed, those of reads only for views', () => {
  const packetsOf = (packets: PlanOptions['packets']): readonly string[] =>
    planFor(LINUX_6_12, { packets })
      .attached.map(({ program }) => program)
      .filter((program) => program.startsWith('ws_packet_'));
  assert.deepEqual(packetsOf(undefined), []);
  const wanted = { ports: [], address: undefined };
  assert.equal(packetsOf({ ...wanted, reads: false, senders: true }).length, PROGRAMS);
  assert.equal(packetsOf({ ...wanted, reads: true }).length, PROGRAMS + 2);
});
