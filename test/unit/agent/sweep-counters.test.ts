import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dropKey, resetKey, stateKey } from '../../fixtures/records/write-rows.ts';
import type { ProcessKey } from '../../fixtures/records/write-rows.ts';
import { Sweeper } from './sweep-fixture.ts';

const SECOND = 1_000_000_000;
const NOW = 1000 * SECOND;
const LONG_AGO = NOW - 900 * SECOND;
const CURL = { pid: 20, startNs: 200n };
const NGINX = { pid: 10, startNs: 100n };
const NOBODY = { pid: 0, startNs: 0n };
const MAPS = ['drops', 'resets', 'state_durations'] as const;

/** A row of each map of counters. */
function keysOf(owner: ProcessKey): Record<(typeof MAPS)[number], Uint8Array> {
  return {
    drops: dropKey(owner, 3, 4),
    resets: resetKey({ owner, serverPort: 80, role: 1, family: 4 }),
    state_durations: stateKey(owner, 1, 1),
  };
}

function countAll(s: Sweeper, owner: ProcessKey, more: number): void {
  for (const map of MAPS) s.count(map, keysOf(owner)[map], more);
}

/** What was exported of each map. */
function exportedOf(s: Sweeper): Record<(typeof MAPS)[number], number> {
  const states = [...s.harness.sink.histograms.values()].flatMap(({ counts }) => counts);
  return {
    drops: s.harness.sink.total('wirespan.packet.dropped '),
    resets: s.harness.sink.total('wirespan.tcp.resets '),
    state_durations: states.reduce((sum, count) => sum + count, 0),
  };
}

function rowsOf(s: Sweeper): number[] {
  return MAPS.map((map) => s.rowsIn(map));
}

function each(value: number): Record<(typeof MAPS)[number], number> {
  return { drops: value, resets: value, state_durations: value };
}

describe('the sweep of drops, resets and states', () => {
  it('reads the last figures of an ended process, then takes its rows out', () => {
    const s = new Sweeper();
    for (const owner of [CURL, NGINX]) {
      s.announce(owner);
      countAll(s, owner, 2);
    }
    s.readSums();
    countAll(s, CURL, 5);
    s.end(CURL);
    s.run(NOW);
    assert.deepEqual(exportedOf(s), each(2 + 2 + 5));
    assert.deepEqual(rowsOf(s), [1, 1, 1]);
    for (const map of MAPS) assert.ok(s.has(map, NGINX), map);
    assert.equal(s.sweep.removed, 3);
    s.assertOnlyEndedWereDeleted();
  });

  it('forgets them: a row that comes anew counts from zero, and nothing twice', () => {
    const s = new Sweeper();
    s.announce(CURL);
    countAll(s, CURL, 7);
    s.readSums();
    s.end(CURL);
    s.run(NOW);
    countAll(s, CURL, 3);
    s.readSums();
    s.readSums();
    assert.deepEqual(exportedOf(s), each(7 + 3));
  });

  it('leaves them while connections of the process are not done', () => {
    const s = new Sweeper();
    s.announce(CURL);
    s.connect(CURL, 443, { opened: 1, closed: 0, at: NOW });
    countAll(s, CURL, 1);
    s.end(CURL);
    s.readSums();
    s.run(NOW + 100 * SECOND);
    assert.deepEqual(rowsOf(s), [1, 1, 1]);
    s.connect(CURL, 443, { opened: 0, closed: 1, at: NOW + 101 * SECOND });
    s.readSums();
    s.run(NOW + 110 * SECOND);
    assert.deepEqual(rowsOf(s), [0, 0, 0]);
    assert.deepEqual(exportedOf(s), each(1));
  });

  it('finds rows that came after everything else of the process was taken out', () => {
    const s = new Sweeper();
    s.announce(CURL);
    s.connect(CURL, 443, { opened: 1, closed: 1, at: LONG_AGO });
    s.end(CURL);
    s.readSums();
    s.run(NOW);
    assert.equal(s.rowsIn('owners'), 0);
    // A late segment for a socket without a process.
    countAll(s, CURL, 1);
    s.run(NOW + 5 * SECOND);
    assert.deepEqual(rowsOf(s), [0, 0, 0]);
    assert.deepEqual(exportedOf(s), each(1));
  });

  it('never takes out rows of nobody or of the living', () => {
    const s = new Sweeper();
    s.end(NOBODY);
    for (const owner of [NOBODY, NGINX]) countAll(s, owner, 1);
    s.announce(CURL);
    s.end(CURL);
    s.run(NOW);
    assert.deepEqual(rowsOf(s), [2, 2, 2]);
    assert.deepEqual(s.deletions.length, 1, 'the owner alone');
  });

  it('takes the rows of the earlier of two processes with one pid', () => {
    const s = new Sweeper();
    const later = { ...CURL, startNs: 999n };
    for (const owner of [CURL, later]) countAll(s, owner, 1);
    s.run(NOW);
    for (const map of MAPS) assert.deepEqual([s.has(map, CURL), s.has(map, later)], [false, true], map);
  });

  it('does not retire the host, where processes are that nobody tells apart', () => {
    const s = new Sweeper((pid) => (pid === CURL.pid ? 'host' : `r${pid}`));
    for (const owner of [CURL, NGINX]) {
      s.announce(owner);
      countAll(s, owner, 1);
      s.end(owner);
    }
    s.run(NOW);
    assert.deepEqual(s.retired, ['r10']);
  });
});
