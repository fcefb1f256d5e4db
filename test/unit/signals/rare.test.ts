/** Counters that a workload has at zero: where they are bounded, and with the attributes that they would have. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConnectionKind } from '../../../receiver/signals/context.ts';
import { FAMILIES } from '../../../receiver/signals/index.ts';
import { collect, createHarness, one, type Harness } from '../../support/sums-harness.ts';
import { CLIENT } from '../../support/sums-harness.ts';
import { SERIES } from '../../../receiver/decode/generated/layout.ts';

function harness(optIn: string[] = []): Harness {
  const made = createHarness({ optIn });
  const rare = (kind: ConnectionKind): ReturnType<NonNullable<Harness['rare']>> =>
    FAMILIES.flatMap((family) => family.rare?.(kind, made.optIn) ?? []);
  return { ...made, rare };
}

/** Names of the metrics that are expected, with how many series each. */
function expectedOf(subject: Harness): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const series of subject.sink.expected) {
    const name = series.split(' ')[0] ?? '';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const OPENED = { [SERIES.opened >> 3]: 1, [SERIES.touched_ns >> 3]: 5 };

describe('counters that rarely count', () => {
  test('a client has failures, retransmits, resets and drops', () => {
    const subject = harness();
    collect(subject, one(CLIENT, OPENED));
    assert.deepEqual(expectedOf(subject), {
      'wirespan.tcp.connection.opened': 3,
      'wirespan.tcp.retransmits': 4,
      'wirespan.tcp.resets': 2,
      'wirespan.packet.dropped': 4,
    });
    for (const series of subject.sink.expected)
      assert.ok(series.includes('server.port=443') || series.startsWith('wirespan.packet.dropped'), series);
  });

  test('a server has no failures', () => {
    const subject = harness();
    collect(subject, one({ ...CLIENT, role: 2 }, OPENED));
    assert.deepEqual(expectedOf(subject), {
      'wirespan.tcp.retransmits': 4,
      'wirespan.tcp.resets': 2,
      'wirespan.packet.dropped': 4,
    });
  });

  test('who is told apart by what was opted in has none of it', () => {
    const subject = harness(['network.connection.state', 'wirespan.tcp.reset.reason']);
    collect(subject, one(CLIENT, OPENED));
    assert.deepEqual(expectedOf(subject), { 'wirespan.tcp.connection.opened': 3 });
  });

  test('a failure, and what overflowed, have none', () => {
    const subject = harness();
    collect(subject, one({ ...CLIENT, error: 111 }, OPENED), one({ ...CLIENT, overflow: 1 }, OPENED));
    assert.deepEqual(expectedOf(subject), {});
  });
});
