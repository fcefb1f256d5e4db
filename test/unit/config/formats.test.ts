import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseCidr } from '../../../config/cidr.ts';
import { choice, duration, integer, onOff, powerOfTwoBytes, ratio } from '../../../config/format.ts';
import { cidrList, filterRules, pairs } from '../../../config/format-lists.ts';

describe('switch', () => {
  it('takes words and booleans', () => {
    assert.deepEqual(['on', 'ON', true, 'true'].map(onOff.read), ['on', 'on', 'on', 'on']);
    assert.deepEqual(['off', false, 'false'].map(onOff.read), ['off', 'off', 'off']);
    for (const bad of ['yes', 1, 0, '', undefined, []])
      assert.throws(() => onOff.read(bad), /be one of on, off$/);
  });
  it('does not make up a mode from a boolean', () => {
    const mode = choice(['always', 'correlated', 'off']);
    assert.equal(mode.read(false), 'off');
    assert.throws(() => mode.read(true), /be one of always, correlated, off$/);
  });
});

describe('numbers', () => {
  it('are whole and in range', () => {
    assert.equal(integer(0).read('12'), 12);
    for (const bad of ['1.5', 1.5, -1, '1e3', '0x10', '', ' ', true, NaN, Infinity])
      assert.throws(() => integer(0).read(bad));
    assert.throws(() => integer(1, 5).read(6), /from 1 to 5$/);
  });

  it('that are shares lie from 0 to 1', () => {
    assert.deepEqual(['0', 0.25, '0.5', '.75', ' 1 '].map(ratio.read), [0, 0.25, 0.5, 0.75, 1]);
    for (const bad of ['1.01', 2, -0.1, '-1', '50%', '1e-1', '', '.', true, NaN])
      assert.throws(() => ratio.read(bad), /be a number from 0 to 1$/);
  });

  it('of bytes take units and only powers of two', () => {
    const bytes = powerOfTwoBytes(4096, 2 ** 30);
    assert.deepEqual([4096, '4096', '4KiB', '4 MiB', '1gib'].map(bytes.read), [
      4096,
      4096,
      4096,
      4194304,
      2 ** 30,
    ]);
    assert.throws(() => bytes.read('5MB'), /the nearest is 4MiB$/);
    assert.throws(() => bytes.read(2048), /the nearest is 4KiB$/);
    assert.throws(() => bytes.read('2GiB'), /the nearest is 1GiB$/);
    for (const bad of ['4 parsecs', 'MiB', -4096, 0, true, []]) assert.throws(() => bytes.read(bad));
  });

  it('of time are milliseconds without a unit', () => {
    assert.deepEqual(
      [5, '5', '5ms', '5s', '1.5s', '2m', '1h'].map(duration(0).read),
      [5, 5, 5, 5000, 1500, 120_000, 3_600_000],
    );
    for (const bad of ['5 days', '-1', '0.5', 2 ** 31, 's', true]) assert.throws(() => duration(0).read(bad));
  });
});

describe('CIDR', () => {
  it('is canonical', () => {
    assert.deepEqual(parseCidr('10.0.0.0/8'), {
      text: '10.0.0.0/8',
      address: '10.0.0.0',
      prefixLength: 8,
      family: 'ipv4',
    });
    assert.equal(parseCidr('FD00:0::/8').text, 'fd00::/8');
    assert.equal(parseCidr('::/0').text, '::/0');
    assert.equal(parseCidr('1:2:3:4:5:6:7:8/128').text, '1:2:3:4:5:6:7:8/128');
  });
  it('has no host bits', () => {
    assert.throws(() => parseCidr('10.1.2.3/12'), /write 10\.0\.0\.0\/12$/);
    assert.throws(() => parseCidr('192.168.255.255/25'), /write 192\.168\.255\.128\/25$/);
    assert.throws(() => parseCidr('2001:db8:ffff::1/33'), /write 2001:db8:8000::\/33$/);
  });
  it('is refused when it is none', () => {
    for (const bad of [
      '10.0.0.0',
      '10.0.0.0/33',
      '::/129',
      'fe80::%eth0/64',
      '10.0.0.0/8/8',
      '/8',
      'a/8',
      8,
      null,
      '1.2.3/8',
    ]) {
      assert.throws(() => parseCidr(bad), /CIDR notation/);
    }
  });
  it('masks to what its own text says, for any address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128), (address, length) => {
        const prefix = address.includes(':') ? length : length % 33;
        let network = `${address}/${String(prefix)}`;
        try {
          parseCidr(network);
        } catch (error) {
          network = /write (\S+)$/.exec((error as Error).message)?.[1] ?? '';
        }
        const cidr = parseCidr(network);
        assert.equal(cidr.prefixLength, prefix);
        assert.equal(parseCidr(cidr.text).text, cidr.text);
      }),
    );
  });
});

describe('lists', () => {
  it('are YAML or separated by commas', () => {
    for (const given of [['10.0.0.0/8', '::/0'], '10.0.0.0/8, ::/0', '[10.0.0.0/8, "::/0"]']) {
      assert.deepEqual(cidrList.read(given), ['10.0.0.0/8', '::/0']);
    }
    assert.deepEqual(cidrList.read(''), []);
  });

  it('of rules check each field', () => {
    assert.deepEqual(filterRules.read('[{port: 22}, {cidr: 10.0.0.0/8, command: sshd}]'), [
      { port: 22 },
      { cidr: '10.0.0.0/8', command: 'sshd' },
    ]);
    assert.deepEqual(filterRules.read('{pid: 1}'), [{ pid: 1 }]);
    assert.throws(() => filterRules.read([{ prt: 22 }]), /prt is none of them$/);
    assert.throws(() => filterRules.read([{ constructor: 1 }]), /constructor is none of them$/);
    assert.throws(() => filterRules.read([{ port: 0 }]), /its port must be a whole number from 1 to 65535$/);
    assert.throws(() => filterRules.read([{ command: 'sixteen-chars-xx' }]), /at most 15 bytes/);
    const many = (count: number) => Array.from({ length: count }, () => ({ port: 1 }));
    assert.equal(filterRules.read(many(16)).length, 16);
    assert.throws(() => filterRules.read(many(17)), /be at most 16 rules$/);
    assert.throws(() => filterRules.read([{ cgroup: 'system.slice' }]), /begins with \//);
    assert.throws(() => filterRules.read([{}]), /at least one of/);
    assert.throws(() => filterRules.read('ssh'), /be a list of rules/);
    assert.throws(() => filterRules.read('[{'), /in YAML/);
  });
});

describe('pairs', () => {
  const headers = pairs(/^[a-z]+$/, 'in lower case');
  it('are a map or text', () => {
    assert.deepEqual(headers.read({ a: 'x', b: 1 }), [
      ['a', 'x'],
      ['b', '1'],
    ]);
    assert.deepEqual(headers.read(' a = x%2Cy ,b=c=d,'), [
      ['a', 'x,y'],
      ['b', 'c=d'],
    ]);
  });
  it('are refused when a part is wrong', () => {
    assert.throws(() => headers.read('a'), /one part has no =/);
    assert.throws(() => headers.read('a=%'), /percent-encode/);
    assert.throws(() => headers.read('A=b'), /have names in lower case/);
    assert.throws(() => headers.read({ a: ['b'] }), /have text as values/);
  });
  it('survive being written as text, whatever the value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        assert.deepEqual(headers.read(`a=${encodeURIComponent(value)}`), [['a', value]]);
      }),
    );
  });
});
