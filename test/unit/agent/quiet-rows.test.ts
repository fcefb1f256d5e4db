import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dropKey, resetKey, stateKey } from '../../fixtures/records/write-rows.ts';
import { Sweeper } from './sweep-fixture.ts';

const SECOND = 1_000_000_000;
const NOW = 1000 * SECOND;
const QUIET = 300 * SECOND;
const NGINX = { pid: 10, startNs: 100n };
const NOBODY = { pid: 0, startNs: 0n };

const COUNTERS = [
  ['drops', dropKey(NGINX, 3, 4)],
  ['resets', resetKey({ owner: NGINX, serverPort: 80, role: 1, family: 4 })],
  ['state_durations', stateKey(NGINX, 1, 1)],
] as const;

describe('quiet rows of living processes', () => {
  it('are taken out after five minutes, with figures that nobody had read', () => {
    const s = new Sweeper();
    s.announce(NGINX);
    s.connect(NGINX, 80, { opened: 2, closed: 2, at: NOW });
    s.readSums();
    s.quietRows.run(NOW + QUIET);
    assert.equal(s.rowsIn('series'), 1);
    s.connect(NGINX, 80, { opened: 3, closed: 3, at: NOW + 1 });
    s.quietRows.run(NOW + QUIET + 60 * SECOND);
    assert.deepEqual([s.rowsIn('series'), s.connections.rows.size], [0, 0]);
    assert.equal(s.exported('opened'), 5);
    assert.equal(s.quietRows.removed, 1);
    assert.ok(s.has('owners', NGINX));
    assert.deepEqual([s.retired, s.forgotten], [[], []]);
  });

  it('begin anew when they are used again, and nothing is counted twice', () => {
    const s = new Sweeper();
    s.connect(NGINX, 80, { opened: 2, closed: 2, at: NOW });
    s.readSums();
    s.quietRows.run(NOW + QUIET + 1);
    s.connect(NGINX, 80, { opened: 1, closed: 0, at: NOW + QUIET + 2 });
    s.readSums();
    assert.deepEqual([s.exported('opened'), s.exported('closed')], [3, 2]);
  });

  it('stay while a connection is open, or when they are used just before', () => {
    const s = new Sweeper();
    s.connect(NGINX, 80, { opened: 2, closed: 1, at: NOW, active: 1, pass: 7 });
    s.connect(NGINX, 81, { opened: 1, closed: 1, at: NOW });
    s.readSums();
    s.setGauges(7);
    const used = { run: () => s.connect(NGINX, 81, { opened: 1, closed: 1, at: NOW + QUIET }) };
    const during = [undefined, used];
    s.sweepQuietDuring(NOW + QUIET + 1, () => during.shift());
    assert.equal(s.rowsIn('series'), 2);
    s.readSums();
    assert.equal(s.exported('opened'), 4);
  });

  it('of listeners go when no socket listens and none was used for five minutes', () => {
    const s = new Sweeper();
    s.listen(NGINX, 80, 7);
    s.listen(NGINX, 81, 8);
    s.readSums();
    s.setGauges(8);
    for (const seconds of [0, 200, 301]) s.quietRows.run(NOW + seconds * SECOND);
    assert.equal(s.rowsIn('listeners'), 1);
    assert.deepEqual(
      [...s.listeners.rows.values()].map(({ port }) => port),
      [81],
    );
  });

  it('of drops, resets and states go when their counts stood still', () => {
    const s = new Sweeper();
    for (const [map, key] of COUNTERS) s.count(map, key, 2);
    s.count('resets', resetKey({ owner: NOBODY, role: 0, family: 4 }), 2);
    const rows = (): number[] => COUNTERS.map(([map]) => s.rowsIn(map));
    s.readSums();
    s.quietRows.run(NOW);
    for (const [map, key] of COUNTERS) s.count(map, key, 3);
    for (const seconds of [100, 399]) s.quietRows.run(NOW + seconds * SECOND);
    assert.deepEqual(rows(), [1, 2, 1]);
    s.quietRows.run(NOW + 430 * SECOND);
    assert.deepEqual(rows(), [0, 1, 0], 'nobody’s stay');
    for (const [map, key] of COUNTERS) s.count(map, key, 1);
    s.readSums();
    assert.equal(s.harness.sink.total('wirespan.packet.dropped '), 6);
    assert.equal(s.harness.sink.total('wirespan.tcp.resets '), 8);
  });
});
