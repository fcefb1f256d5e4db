import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readParameters } from '../../bench/parameters.ts';
import { splitMemory } from '../../bench/soak/memory-split.ts';
import { afterFirstQuarter, slope } from '../../bench/soak/slope.ts';

describe('soak: the slope', () => {
  const line = (gain: number): { x: number; y: number }[] =>
    [0, 1, 2, 5, 12].map((x) => ({ x, y: 100 + gain * x }));

  it('of a line is its gain, whatever the distances', () => {
    assert.equal(slope(line(3)), 3);
    assert.equal(slope(line(-0.5)), -0.5);
    assert.equal(slope(line(0)), 0);
  });

  it('is that of least squares', () => {
    const samples = [
      { x: 1, y: 1 },
      { x: 2, y: 3 },
      { x: 3, y: 2 },
    ];
    assert.equal(slope(samples), 0.5);
  });

  it('is none without two distances', () => {
    assert.ok(Number.isNaN(slope([])));
    assert.ok(Number.isNaN(slope([{ x: 1, y: 1 }])));
    assert.ok(
      Number.isNaN(
        slope([
          { x: 1, y: 1 },
          { x: 1, y: 9 },
        ]),
      ),
    );
  });

  it('leaves out what a start takes', () => {
    const samples = [{ x: 0, y: 0 }, { x: 1.9, y: 90 }, ...[2, 4, 6, 8].map((x) => ({ x, y: 100 }))];
    assert.deepEqual(
      afterFirstQuarter(samples).map(({ x }) => x),
      [2, 4, 6, 8],
    );
    assert.equal(slope(afterFirstQuarter(samples)), 0);
    assert.notEqual(slope(samples), 0);
  });
});

describe('soak: its parameters', () => {
  const known = ['cpu', 'soak'];
  const read = (...args: string[]): ReturnType<typeof readParameters> => readParameters(args, known);

  it('are five million connections by default, fewer for a glance', () => {
    const { sections, scale } = read('soak');
    assert.deepEqual(sections, ['soak']);
    assert.equal(scale.soak.connections, 5_000_000);
    assert.equal(scale.isQuick, false);
    assert.ok(read('soak', '--quick').scale.soak.connections < scale.soak.connections / 10);
    assert.ok(read('soak', '--quick').scale.soak.minutes < 1);
  });

  it('can be given in both ways, at any place', () => {
    const { sections, scale } = read('--connections', '1000000', 'soak', '--minutes=2.5', '--peers');
    assert.deepEqual(sections, ['soak']);
    assert.deepEqual(
      { ...scale.soak, rounds: 0, everySeconds: 0 },
      { connections: 1_000_000, minutes: 2.5, isByPeer: true, rounds: 0, everySeconds: 0 },
    );
  });

  it('are refused with a sentence when they are no bound', () => {
    for (const text of ['', '0', '-1', 'many', 'Infinity', '1e12', '30000.5'])
      assert.throws(() => read('soak', `--connections=${text}`), /--connections is a number from/);
    assert.throws(() => read('soak', '--connections'), /--connections is a number from/);
    assert.throws(() => read('soak', '--minutes', '0'), /--minutes is a number from 0\.1 to 1440, not '0'/);
    assert.throws(() => read('sook'), /no section 'sook'; the sections are: cpu, soak/);
  });
});

it('soak: resident memory is split without a byte left out', () => {
  const region = (name: string, rss: number, anonymous: number, end = '7f00007000'): string =>
    `7f00000000-${end} rw-p 00000000 fd:00 12   ${name}\nSize: 99 kB\nRss: ${String(rss)} kB\nPss: 1 kB\nAnonymous: ${String(anonymous)} kB\nAnonHugePages: 77 kB\n`;
  const text = [
    region('/opt/bin/node', 1000, 10),
    region('/usr/lib/libc.so.6', 200, 5),
    region('anon_inode:bpf-map', 30, 0),
    region('[heap]', 4, 4),
    region('', 6, 6),
    region('', 250, 250, '7f00040000'),
    region('/opt/bin/node', 8, 8, '7f00040000'),
    region('/memfd:with a space (deleted)', 7, 0),
  ].join('');
  const kb = Object.entries(splitMemory(text)).map(([name, mb]) => [name, Math.round((mb * 1e6) / 1024)]);
  assert.deepEqual(Object.fromEntries(kb), {
    program: 990,
    files: 202,
    maps: 30,
    brk: 4,
    v8Pages: 250,
    anonymous: 29,
  });
});
