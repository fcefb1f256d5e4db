import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Sweeper } from './sweep-fixture.ts';

const SECOND = 1_000_000_000;
const NOW = 1000 * SECOND;
const LONG_AGO = NOW - 900 * SECOND;
const CURL = { pid: 20, startNs: 200n };
const NGINX = { pid: 10, startNs: 100n };
const CHILD = { pid: 11, startNs: 110n };

describe('the sweep', () => {
  it('reads the last figures of an ended process, then takes its rows out', () => {
    const s = new Sweeper();
    s.announce(CURL);
    s.connect(CURL, 443, { opened: 1, closed: 1, at: LONG_AGO });
    s.readSums();
    s.connect(CURL, 443, { opened: 4, closed: 4, at: LONG_AGO + 1 });
    s.end(CURL);
    s.run(NOW);
    assert.equal(s.exported('opened'), 5);
    assert.deepEqual(s.rowsIn('series'), 0);
    assert.deepEqual(s.rowsIn('owners'), 0);
    assert.equal(s.connections.rows.size, 0);
    assert.equal(s.sweep.removed, 1);
    assert.deepEqual(s.forgotten, [20]);
    assert.deepEqual(s.retired, ['r20']);
  });

  it('does not touch a live process', () => {
    const s = new Sweeper();
    for (const owner of [NGINX, CURL]) {
      s.announce(owner);
      s.connect(owner, 80, { opened: 1, closed: 1, at: LONG_AGO });
      s.listen(owner, 80, 0);
    }
    s.readSums();
    s.end(CURL);
    s.run(NOW);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('listeners'), s.rowsIn('owners')], [1, 1, 1]);
    assert.ok(s.has('owners', NGINX));
    assert.deepEqual(s.retired, ['r20']);
    assert.equal(s.sweep.removed, 2);
  });

  it('leaves a process for which drops wait that the next collection reads', () => {
    const s = new Sweeper();
    s.announce(CURL);
    s.announce(NGINX);
    s.end(CURL);
    s.awaited.add('20:200:0').add('99:900:0');
    s.run(NOW);
    assert.ok(s.has('owners', CURL));
    assert.deepEqual([s.retired, s.forgotten], [[], []]);
    s.awaited.clear();
    s.run(NOW);
    assert.deepEqual([s.rowsIn('owners'), s.retired], [1, ['r20']]);
  });

  it('does nothing while everyone lives', () => {
    const s = new Sweeper();
    s.announce(NGINX);
    s.connect(NGINX, 80, { opened: 1, closed: 1, at: LONG_AGO });
    s.readSums();
    s.run(NOW);
    assert.deepEqual([s.deletions, s.retired, s.forgotten], [[], [], []]);
  });

  it('leaves a row that was touched within two seconds, and its owner', () => {
    const s = new Sweeper();
    s.announce(CURL);
    s.connect(CURL, 443, { opened: 1, closed: 1, at: NOW - SECOND });
    s.connect(CURL, 80, { opened: 1, closed: 1, at: LONG_AGO });
    s.end(CURL);
    s.readSums();
    s.run(NOW);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('owners')], [1, 1]);
    assert.deepEqual([s.retired, s.forgotten], [[], []]);
    s.run(NOW + 2 * SECOND);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('owners')], [0, 0]);
    assert.deepEqual(s.retired, ['r20']);
  });

  it('leaves a row that was touched since it was last read', () => {
    const s = new Sweeper();
    s.announce(CURL);
    s.connect(CURL, 443, { opened: 1, closed: 1, at: LONG_AGO });
    s.readSums();
    s.end(CURL);
    s.connect(CURL, 443, { opened: 1, closed: 1, at: NOW - 1 });
    s.run(NOW);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('owners')], [1, 1]);
    assert.equal(s.exported('opened'), 2);
    s.readSums();
    assert.equal(s.exported('opened'), 2);
  });

  it('waits for the closes of sockets that outlive their process, for three minutes', () => {
    const s = new Sweeper();
    s.announce(CURL);
    s.connect(CURL, 443, { opened: 3, closed: 2, at: NOW });
    s.end(CURL);
    s.readSums();
    s.run(NOW + 100 * SECOND);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('owners')], [1, 1]);
    s.connect(CURL, 443, { opened: 0, closed: 1, at: NOW + 101 * SECOND });
    s.readSums();
    s.run(NOW + 110 * SECOND);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('owners')], [0, 0]);
    assert.equal(s.exported('closed'), 3);
  });

  it('gives up on closes that never come', () => {
    const s = new Sweeper();
    s.announce(CURL);
    s.connect(CURL, 443, { opened: 1, closed: 0, at: NOW });
    s.end(CURL);
    s.readSums();
    s.run(NOW + 181 * SECOND);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('owners')], [0, 0]);
  });

  it('keeps what a child uses after its parent ended', () => {
    const s = new Sweeper();
    s.announce(NGINX);
    s.connect(NGINX, 80, { opened: 2, closed: 0, at: LONG_AGO, active: 2, pass: 7 });
    s.listen(NGINX, 80, 7);
    s.end(NGINX);
    s.readSums();
    s.setGauges(7);
    s.run(NOW);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('listeners'), s.rowsIn('owners')], [1, 1, 1]);
    s.setGauges(8);
    s.run(NOW);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('listeners'), s.rowsIn('owners')], [0, 0, 0]);
  });

  it('reads the last figures of a listener too', () => {
    const s = new Sweeper();
    s.announce(NGINX);
    s.listen(NGINX, 80, 0, 3);
    s.readSums();
    s.listen(NGINX, 80, 0, 4);
    s.end(NGINX);
    s.run(NOW);
    // It was used since the reading before: who did so may still be adding.
    assert.equal(s.rowsIn('listeners'), 1);
    s.run(NOW);
    assert.equal(s.exported('overflows'), 7);
    assert.equal(s.rowsIn('listeners'), 0);
  });

  it('does not retire a resource that a live or a busy process shares', () => {
    for (const [age, ends] of [
      [LONG_AGO, false],
      [NOW, true],
    ] as const) {
      const s = new Sweeper(() => 'shared');
      for (const owner of [CURL, CHILD]) s.announce(owner);
      s.connect(CURL, 443, { opened: 1, closed: 1, at: LONG_AGO });
      s.connect(CHILD, 443, { opened: 1, closed: 1, at: age });
      s.readSums();
      s.end(CURL);
      if (ends) s.end(CHILD);
      s.run(NOW);
      assert.deepEqual([s.forgotten, s.retired], [[20], []]);
      assert.ok(s.has('owners', CHILD));
    }
  });

  it('takes the earlier of two processes with one pid for ended', () => {
    const s = new Sweeper();
    const later = { ...CURL, startNs: 999n };
    for (const owner of [CURL, later]) {
      s.announce(owner);
      s.connect(owner, 443, { opened: 1, closed: 1, at: LONG_AGO });
    }
    s.readSums();
    s.run(NOW);
    assert.deepEqual([s.has('owners', CURL), s.has('owners', later)], [false, true]);
    assert.equal(s.rowsIn('series'), 1);
  });

  it('finds rows whose owner has none in `owners`', () => {
    const s = new Sweeper();
    s.connect(CURL, 443, { opened: 1, closed: 1, at: LONG_AGO });
    s.listen(CHILD, 80, 0);
    s.connect(NGINX, 80, { opened: 1, closed: 1, at: LONG_AGO });
    s.end(CURL);
    s.end(CHILD);
    s.readSums();
    s.run(NOW);
    assert.deepEqual([s.rowsIn('series'), s.rowsIn('listeners')], [1, 0]);
    assert.ok(s.has('series', NGINX));
  });

  it('never takes out rows of nobody', () => {
    const s = new Sweeper();
    const nobody = { pid: 0, startNs: 0n };
    s.connect(nobody, 443, { opened: 1, closed: 1, at: LONG_AGO });
    s.end(nobody);
    s.announce(CURL);
    s.end(CURL);
    s.readSums();
    s.run(NOW);
    assert.equal(s.rowsIn('series'), 1);
  });

  it('asks /proc by default, which knows a pid that was given out again by its start', () => {
    const ticks = BigInt(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19] ?? '0');
    for (const [startNs, isAlive] of [
      [ticks * 10_000_000n, true],
      [ticks * 10_000_000n + 9_999_999n, true],
      [(ticks - 1n) * 10_000_000n, false],
      [(ticks + 1n) * 10_000_000n, false],
      [1n, false],
    ] as const) {
      const s = new Sweeper(undefined, { usesProc: true });
      const self = { pid: process.pid, startNs };
      // Above the greatest pid that Linux gives out (PID_MAX_LIMIT, 4,194,304).
      const nobody = { pid: 4_194_305, startNs };
      for (const owner of [self, nobody]) s.announce(owner);
      s.run(NOW);
      assert.deepEqual([s.has('owners', self), s.has('owners', nobody)], [isAlive, false], String(startNs));
    }
  });
});

describe('nothing is lost', () => {
  const owner = fc.nat(3);
  const port = fc.nat(1);
  const idle = fc.constantFrom(0, 0.1, 1, 3, 200).map((seconds) => Math.round(seconds * SECOND));
  const add = fc.record({
    act: fc.constant('add' as const),
    owner,
    port,
    opened: fc.nat(3),
    closed: fc.nat(3),
    idle,
  });
  const overflow = fc.record({ act: fc.constant('overflow' as const), owner, port });
  const end = fc.record({ act: fc.constant('end' as const), owner });
  const sweep = fc.record({
    act: fc.constant('sweep' as const),
    idle,
    // What programs do meanwhile, one for each call of the sweep into the kernel.
    meanwhile: fc.array(fc.option(add, { nil: undefined }), { maxLength: 12 }),
  });

  it('whatever programs add between the calls of a sweep', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(add, add, overflow, end, sweep), { maxLength: 40 }), (steps) => {
        const s = new Sweeper();
        let clock = NOW;
        const ownerOf = (index: number): { pid: number; startNs: bigint } => ({
          pid: 10 + index,
          startNs: BigInt(index),
        });
        const perform = (each: (typeof steps)[number]): void => {
          if (each.act === 'add') {
            clock += each.idle + 1;
            s.announce(ownerOf(each.owner));
            s.connect(ownerOf(each.owner), each.port, {
              opened: each.opened,
              closed: each.closed,
              at: clock,
            });
          } else if (each.act === 'overflow') {
            s.listen(ownerOf(each.owner), each.port, 0, 1);
          } else if (each.act === 'end') {
            s.end(ownerOf(each.owner));
          } else {
            clock += each.idle;
            const waiting = [...each.meanwhile];
            s.readSums();
            s.sweepDuring(clock, () => {
              const next = waiting.shift();
              // Time passes for programs; the sweep goes by its own `nowNs`.
              return next === undefined ? undefined : { run: () => perform(next) };
            });
          }
        };
        for (const each of steps) perform(each);
        s.readSums();
        s.readSums();
        for (const figure of ['opened', 'closed', 'overflows'] as const)
          assert.equal(s.exported(figure), s.made[figure], figure);
        s.assertOnlyEndedWereDeleted();
      }),
      { numRuns: 300 },
    );
  });
});
