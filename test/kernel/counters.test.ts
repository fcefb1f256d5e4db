/** Counters of the kernel that pass 2^32, as the programs add them up: test/kernel/counters.bpf.c. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { BpfSession } from '../../native/index.ts';
import { projectFolder } from '../backends/place.ts';

const FOLDER = join(projectFolder, 'test', 'kernel');
const OBJECT = join(projectFolder, 'build', 'test', 'kernel', 'counters.bpf.o');
const TURN = 1n << 32n;
const MOST_LOOKS = 64;

/** One look at a counter that has come to `at` in all; a pass may come with an older one. */
interface Look {
  readonly at: bigint;
  readonly isClose?: boolean;
}

describe('counters of 32 bits', () => {
  let session: BpfSession;

  before(() => {
    execFileSync('make', ['-s', '-C', FOLDER]);
    session = BpfSession.open(OBJECT);
    session.load();
  });
  after(() => session.close());

  function u64(name: string): bigint {
    const bytes = new Uint8Array(8);
    session.getVariable(name, bytes);
    return new DataView(bytes.buffer).getBigUint64(0, true);
  }

  /** What the programs make of the looks, after `start` was there at the beginning. */
  function play(start: bigint, looks: readonly Look[]): { seen: bigint; sum: bigint } {
    const bytes = new Uint8Array(MOST_LOOKS * 8);
    const view = new DataView(bytes.buffer);
    for (const [i, { at, isClose = false }] of looks.entries()) {
      view.setUint32(8 * i, Number(at % TURN), true);
      view.setUint32(8 * i + 4, Number(isClose), true);
    }
    session.setVariable('looks', bytes);
    session.setVariable('look_count', new Uint8Array(new Uint32Array([looks.length]).buffer));
    session.setVariable('seen', new Uint8Array(new BigUint64Array([start]).buffer));
    session.setVariable('sum', new Uint8Array(8));
    session.runIterator('test_counters', new Uint8Array(0));
    return { seen: u64('seen'), sum: u64('sum') };
  }

  test('are added whole when they pass 2^32 between passes, and at the close', () => {
    const total = 5_012_400_340n;
    const step = total / 7n;
    const passes = Array.from({ length: 7 }, (_, i) => ({ at: step * BigInt(i) }));
    assert.deepEqual(play(0n, [...passes, { at: total, isClose: true }]), { seen: total, sum: total });
  });

  test('do not fall at a close beyond 2^32', () => {
    const last = TURN + 77n;
    assert.equal(play(TURN - 5n, [{ at: last, isClose: true }]).sum, 82n);
  });

  test('are added whole by a close that is nearly one turn after the last look', () => {
    assert.equal(play(9n, [{ at: 9n + TURN - 1n, isClose: true }]).sum, TURN - 1n);
  });

  test('gain nothing from a pass that read them before the close did', () => {
    const looks = [{ at: TURN - 2n }, { at: TURN + 3n, isClose: true }, { at: TURN - 1n }, { at: TURN + 3n }];
    assert.deepEqual(play(TURN - 9n, looks), { seen: TURN + 3n, sum: 12n });
  });

  test('in any number of turns come to what was counted', () => {
    const gain = fc.bigInt({ min: 0n, max: TURN / 2n - 1n });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: TURN - 1n }),
        fc.array(fc.record({ gain, stale: fc.bigInt({ min: 0n, max: 1_000_000n }) }), {
          minLength: 1,
          maxLength: MOST_LOOKS / 2,
        }),
        (start, steps) => {
          let at = start;
          const looks = steps.flatMap(({ gain: gained, stale }, i) => {
            at += gained;
            const isClose = i === steps.length - 1;
            // The second is of a pass that another overtook.
            return [{ at, isClose }, { at: at > start + stale ? at - stale : at }];
          });
          assert.deepEqual(play(start, looks), { seen: at, sum: at - start });
        },
      ),
      { numRuns: 200 },
    );
  });
});
