import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cidrList, filterRules } from '../../../config/format-lists.ts';
import { FILTER_LIMIT, FILTER_RULE_LENGTH } from '../../../receiver/decode/generated/layout.ts';
import { KERNEL_MAPS } from '../../../receiver/source/generated/maps.ts';

/** The most that is not refused, up to 1,000. */
function mostTaken(read: (count: number) => unknown): number {
  for (let count = 1; count <= 1_000; count += 1) {
    try {
      read(count);
    } catch {
      return count - 1;
    }
  }
  return Infinity;
}

describe('limits of the configuration', () => {
  it('rules: both lists have room in the kernel', () => {
    const most = mostTaken((count) => filterRules.read(Array.from({ length: count }, () => ({ port: 1 }))));
    assert.equal(2 * most, FILTER_LIMIT.FILTER_RULES);
  });

  it('command of a rule: as long as the kernel keeps it, with a NUL behind', () => {
    const most = mostTaken((count) => filterRules.read([{ command: 'x'.repeat(count) }]));
    assert.equal(most, FILTER_RULE_LENGTH.command - 1);
  });

  it('subnets: each has room in the kernel', () => {
    const most = mostTaken((count) =>
      cidrList.read(Array.from({ length: count }, (_, i) => `10.${String(i >> 8)}.${String(i & 255)}.0/24`)),
    );
    assert.equal(most, KERNEL_MAPS.subnets.maxEntries);
  });
});
