/** From records to spans: a noisy service, or 1,000 processes of one, beside a quiet one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Owner } from '../../../receiver/model/resource.ts';
import { connection, harness, owner, request, second } from '../../support/correlation.ts';

const QUIET = 78;
const ROUNDS = 5_000;
const NOISY_EACH_ROUND = 2;
const quiet: Owner = { ...owner, pid: 1, cgroupId: 11n };

const floods = {
  'a noisy service': (): Owner => ({ ...owner, pid: 2, cgroupId: 12n }),
  '1,000 processes of a noisy service': (i: number): Owner => ({
    ...owner,
    pid: 2 + (i % 1_000),
    cgroupId: 12n,
  }),
} as const;

for (const [name, ownerOf] of Object.entries(floods))
  test(`${name} takes none of a quiet one's ${QUIET} spans`, () => {
    const subject = harness({ spanLimits: { perSecond: 100, maxPerParent: 0, maxPerTrace: 0 } });
    let handled = 0;
    const handle = (of: Owner): void => {
      handled += 1;
      const context = request(handled);
      subject.correlator.handle(
        connection({ kind: 'handshake', cookie: BigInt(handled), owner: of, context, timeNs: subject.nowNs }),
      );
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      subject.nowNs += second / 1_000n;
      for (let i = 0; i < NOISY_EACH_ROUND; i += 1) handle(ownerOf(round * NOISY_EACH_ROUND + i));
      // The last 78 twentieths of a second.
      const left = ROUNDS - round;
      if (left % 50 === 0 && left <= QUIET * 50) handle(quiet);
    }
    const ofQuiet = subject.spans.filter(({ resource }) => resource.id === 'workload:1').length;
    assert.equal(ofQuiet, QUIET);
    const { spans, spansRateLimited } = subject.correlator.counters;
    assert.equal(spans, subject.spans.length);
    assert.equal(spans + spansRateLimited, handled, 'each is sent or counted');
  });
