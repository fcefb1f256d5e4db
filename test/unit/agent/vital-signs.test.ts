import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VitalSigns } from '../../../receiver/agent/vital-signs.ts';

/** An agent that collects every `intervalMs`, and its clock. */
function agentOf(intervalMs: number): { signs: VitalSigns; pass: (ms: number) => void } {
  let nowMs = 1_000;
  return { signs: new VitalSigns(intervalMs, () => nowMs), pass: (ms) => void (nowMs += ms) };
}

describe('the vital signs of an agent', () => {
  it('are ready from the first collection after the programs are attached until it stops', () => {
    const { signs } = agentOf(10_000);
    assert.deepEqual(signs.ready(), { isSo: false, why: 'programs are not attached yet' });
    signs.attached();
    assert.deepEqual(signs.ready(), { isSo: false, why: 'nothing was collected yet' });
    signs.collected();
    assert.equal(signs.ready().isSo, true);
    signs.stopping();
    assert.deepEqual(signs.ready(), { isSo: false, why: 'stopping' });
  });

  for (const [intervalMs, lateMs] of [
    [1_000, 30_000],
    [60_000, 180_000],
  ] as const)
    it(`are healthy until nothing is collected for ${lateMs / 1000} s, collecting each ${intervalMs / 1000} s`, () => {
      const { signs, pass } = agentOf(intervalMs);
      pass(10 * lateMs);
      assert.deepEqual(signs.healthy(), { isSo: true, why: 'starting' });
      signs.attached();
      pass(lateMs + 1);
      assert.equal(signs.healthy().isSo, false);
      signs.collected();
      pass(lateMs);
      assert.equal(signs.healthy().isSo, true);
      pass(1);
      const { isSo, why } = signs.healthy();
      assert.equal(isSo, false);
      assert.match(why, /^no collection for \d+ s \(every .* s, export.metrics.interval\)/);
      signs.collected();
      assert.equal(signs.healthy().isSo, true);
      pass(lateMs + 1);
      signs.stopping();
      assert.deepEqual(signs.healthy(), { isSo: true, why: 'stopping' });
    });
});
