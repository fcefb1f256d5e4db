import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Sweeper } from './sweep-fixture.ts';

const NOW = 1_000_000_000_000;
const LONG_AGO = NOW - 900_000_000_000;
const CURL = { pid: 20, startNs: 200n };

describe('the sweep of a process that called execve()', () => {
  it('lets go of a program that the process no longer is, once its connections are closed', () => {
    const s = new Sweeper();
    const shell = { ...CURL, execs: 4 };
    const next = { ...CURL, execs: 5 };
    for (const owner of [next, shell]) s.announce(owner);
    s.connect(shell, 443, { opened: 2, closed: 1, at: LONG_AGO, active: 1, pass: 7 });
    s.connect(next, 443, { opened: 1, closed: 1, at: LONG_AGO });
    s.readSums();
    s.setGauges(7);
    s.run(NOW);
    assert.deepEqual([s.has('owners', shell), s.has('owners', next), s.rowsIn('series')], [true, true, 2]);
    s.connect(shell, 443, { opened: 0, closed: 1, at: LONG_AGO + 1, active: 0, pass: 8 });
    s.readSums();
    s.setGauges(8);
    s.run(NOW);
    assert.deepEqual([s.has('owners', shell), s.has('owners', next), s.rowsIn('series')], [false, true, 1]);
    assert.equal(s.exported('closed'), 3);
  });
});
