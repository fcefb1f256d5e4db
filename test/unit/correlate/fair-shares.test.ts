import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createEventLimit } from '../../../receiver/correlate/event-limit.ts';
import { FairShares } from '../../../receiver/correlate/fair-shares.ts';
import { sharePath } from '../../../receiver/correlate/share-path.ts';
import { createSpanLimit } from '../../../receiver/correlate/span-limit.ts';
import { second } from '../../support/correlation.ts';

const ms = 1_000_000n;
const QUIET = 78;
/** The quiet one asks 20 times a second, the noisy ones 10,000 times. */
const QUIET_EVERY_MS = 50;
const NOISY_EACH_MS = 10;

const quiet = ['1000', 'quiet-container', 'quiet', 'workload:quiet'];
/** Who floods: all by one name, or by 1,000 that cost little. */
const floods = {
  'one service': (): string[] => ['1001', 'noisy-container', 'noisy', 'workload:noisy'],
  'one service of the same user': (): string[] => ['1000', 'noisy-container', 'noisy', 'workload:noisy'],
  'another service of the same container': (): string[] => [
    '1000',
    'quiet-container',
    'noisy',
    'workload:noisy',
  ],
  'another process of the same service': (): string[] => [
    '1000',
    'quiet-container',
    'quiet',
    'workload:noisy',
  ],
  '1,000 processes of one user': (i: number): string[] => ['1001', 'session', `name ${i}`, `workload:${i}`],
  '1,000 processes of the same user': (i: number): string[] => [
    '1000',
    'session',
    `name ${i}`,
    `workload:${i}`,
  ],
  '1,000 processes of the same container': (i: number): string[] => [
    '1000',
    'quiet-container',
    'noisy',
    `workload:${i}`,
  ],
  '1,000 control groups of one user': (i: number): string[] => [
    '1001',
    `group ${i}`,
    `name ${i}`,
    `workload:${i}`,
  ],
} as const;

type Ask = (path: readonly string[], nowNs: bigint) => boolean;

/** How many of the quiet one's got through, and of all others'. */
function play(ask: Ask, noisy: (i: number) => string[]): { quiet: number; noisy: number; refused: number } {
  const admitted = { quiet: 0, noisy: 0, refused: 0 };
  const count = (name: 'quiet' | 'noisy', isAdmitted: boolean): void => {
    admitted[isAdmitted ? name : 'refused'] += 1;
  };
  // The noise was there before.
  const fromMs = -2_000;
  for (let time = fromMs, asked = 0; asked < QUIET; time += 1) {
    const nowNs = BigInt(time - fromMs) * ms;
    for (let i = 0; i < NOISY_EACH_MS; i += 1)
      count('noisy', ask(noisy((time - fromMs) * NOISY_EACH_MS + i), nowNs));
    if (time < 0 || time % QUIET_EVERY_MS !== 0) continue;
    count('quiet', ask(quiet, nowNs));
    asked += 1;
  }
  return admitted;
}

describe('a quiet workload keeps all its spans', () => {
  for (const [name, noisy] of Object.entries(floods))
    test(`while ${name} floods`, () => {
      const limit = createSpanLimit({ perSecond: 100, maxPerParent: 0, maxPerTrace: 0 }, 0n);
      let traces = 0;
      const seen = play(
        (path, now) => {
          traces += 1;
          return limit.refuse({ path, traceId: `t${traces}`, parentSpanId: 'p' }, now) === undefined;
        },
        (i) => noisy(i % 1_000),
      );
      assert.equal(seen.quiet, QUIET);
      // 5.85 s at 100 a second, and what all may have at once.
      const seconds = (2_000 + (QUIET - 1) * QUIET_EVERY_MS) / 1e3;
      assert.ok(seen.noisy + seen.quiet <= 100 * seconds + 200, `${seen.noisy} of the noise`);
      assert.ok(seen.noisy + seen.quiet >= 100 * seconds, 'what the quiet one leaves is used');
      const asked = QUIET + NOISY_EACH_MS * (seconds * 1e3 + 1);
      assert.equal(seen.noisy + seen.quiet + seen.refused, asked, 'each is admitted or refused');
    });
});

describe('a quiet workload keeps all its events', () => {
  for (const [name, noisy] of Object.entries(floods))
    test(`while ${name} floods`, () => {
      const limit = createEventLimit(20);
      const seen = play(
        (path, now) => limit.admit('event', path, now) !== undefined,
        (i) => noisy(i % 1_000),
      );
      assert.equal(seen.quiet, QUIET);
    });
});

test('whose share it is: user, container or control group, service, resource', () => {
  const attributes = { 'process.user.id': 1_000, 'container.id': 'c', 'service.name': 's' };
  const resource = { id: 'w', kind: 'workload', attributes } as const;
  assert.deepEqual(sharePath(resource, { cgroupId: 7n }), ['1000', 'c', 's', 'w']);
  const bare = { id: 'host', kind: 'host', attributes: {} } as const;
  assert.deepEqual(sharePath(bare, { cgroupId: 7n }), ['unknown', '7', 'unknown', 'host']);
});

test('what everybody wants is shared equally: users first, then their services', () => {
  const shares = new FairShares(90, 90, 0n);
  const paths = [
    ['a', 'c', 's', '1'],
    ['b', 'c', 's', '2'],
    ['b', 'c', 't', '3'],
    ['b', 'c', 't', '4'],
  ];
  const counts = paths.map(() => 0);
  for (let time = 0; time < 60_000; time += 1)
    for (const [i, path] of paths.entries())
      if (shares.admit(path, BigInt(time) * ms) && time >= 10_000) counts[i] = (counts[i] ?? 0) + 1;
  // 50 s at 90 a second.
  for (const [i, expected] of [2_250, 1_125, 562.5, 562.5].entries())
    assert.ok(Math.abs((counts[i] ?? 0) - expected) < 5, `${counts.join(', ')}`);
});

test('one alone gets its burst at once and then the whole rate', () => {
  const shares = new FairShares(50, 80, 0n);
  const admitted = (nowNs: bigint): number =>
    Array.from({ length: 1_000 }, () => shares.admit(quiet, nowNs)).filter(Boolean).length;
  assert.deepEqual([0n, second, second, 2n * second, 100n * second].map(admitted), [80, 50, 0, 50, 80]);
});

test('however many ask, in whatever order: never more than the rate and twice the burst', () => {
  const name = fc.nat(30).map(String);
  const ask = fc.record({ path: fc.tuple(name, name, name, name), waitMs: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(ask, { size: 'max', maxLength: 1_000 }), (asks) => {
      const shares = new FairShares(100, 50, 0n);
      let nowMs = 0;
      let admitted = 0;
      for (const { path, waitMs } of asks) {
        nowMs += waitMs;
        if (shares.admit(path, BigInt(nowMs) * ms)) admitted += 1;
        assert.ok(admitted <= nowMs / 10 + 100);
      }
    }),
  );
});

test('at most 10,000 ends of paths; more of one container stand together', () => {
  const shares = new FairShares(1e6, 1e6, 0n);
  for (let i = 0; i < 10_000; i += 1) assert.ok(shares.admit(['u', 'c', `s${i}`, `w${i}`], 0n));
  assert.equal(shares.joined, 0);
  for (let i = 10_000; i < 10_007; i += 1) assert.ok(shares.admit(['u', 'c', `s${i}`, `w${i}`], 0n));
  assert.ok(shares.admit(['u', 'c', 's5', 'w5'], 0n), 'who is known already keeps its own');
  assert.equal(shares.joined, 7);
  // All is made good: there is room again.
  assert.ok(shares.admit(['u', 'c', 'new', 'new'], 10n * second));
  assert.equal(shares.joined, 7);
});
