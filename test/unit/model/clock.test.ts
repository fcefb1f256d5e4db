import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClock, type ClockSample } from '../../../receiver/model/clock.ts';

const second = 1_000_000_000n;

function samples(...list: ClockSample[]): { sample: () => ClockSample; taken: () => number } {
  let index = 0;
  const sample = (): ClockSample => {
    const next = list[Math.min(index, list.length - 1)];
    index += 1;
    assert.ok(next);
    return next;
  };
  return { sample, taken: () => index };
}

const first = { monotonicNs: 100n * second, realtimeNs: 1_000n * second, boottimeNs: 150n * second };
/** Real time was stepped forward by ten seconds. */
const stepped = { monotonicNs: 104n * second, realtimeNs: 1_014n * second, boottimeNs: 154n * second };

test('converts monotonic and boot stamps', () => {
  const clock = createClock(samples(first).sample);
  assert.equal(clock.toUnixNs(101n * second), 1_001n * second);
  assert.equal(clock.toUnixNs(99n * second), 999n * second);
  assert.equal(clock.bootToUnixNs(0n), 850n * second);
});

test('samples again only when a stamp lies three seconds past the last sample', () => {
  const { sample, taken } = samples(first, stepped);
  const clock = createClock(sample);
  clock.toUnixNs(103n * second - 1n);
  assert.equal(taken(), 1);
  assert.equal(clock.toUnixNs(103n * second), 1_013n * second);
  assert.equal(taken(), 2);
  clock.toUnixNs(105n * second);
  assert.equal(taken(), 2);
});

test('now is a fresh sample', () => {
  const clock = createClock(samples(first, stepped).sample);
  assert.equal(clock.now(), 104n * second);
  assert.equal(clock.toUnixNs(104n * second), 1_014n * second);
});
