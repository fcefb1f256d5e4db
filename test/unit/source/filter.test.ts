import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  FILTER_CGROUP,
  FILTER_FIELD,
  FILTER_KIND,
  FILTER_RULE,
} from '../../../receiver/decode/generated/layout.ts';
import { FilterWriter, type KernelFilterRule } from '../../../receiver/source/filter.ts';

/** The rule as it is written for the kernel. */
function ruleBytes(rule: KernelFilterRule): Uint8Array {
  const rules: Uint8Array[] = [];
  const writer = new FilterWriter({
    update: (map, _, value) => map === 'filter_rules' && rules.push(value),
    delete: () => true,
    setVariable: () => undefined,
  });
  writer.write({ include: [rule], exclude: [] });
  const [bytes] = rules;
  assert.ok(bytes !== undefined && bytes[FILTER_RULE.kind] === FILTER_KIND.FILTER_INCLUDE);
  return bytes;
}

function fieldsOf(rule: KernelFilterRule): DataView {
  return new DataView(ruleBytes(rule).buffer);
}

/** Address, mask and family of a rule. */
function subnetOf(address: string, prefixLength: number): string[] {
  const subnet = { address, prefixLength, family: address.includes(':') ? 'ipv6' : 'ipv4' } as const;
  const bytes = Buffer.from(ruleBytes({ subnet }));
  const text = (at: number): string => bytes.toString('hex', at, at + 16);
  return [text(FILTER_RULE.address), text(FILTER_RULE.mask), String(bytes[FILTER_RULE.family])];
}

describe('a rule', () => {
  it('writes each field where the kernel reads it, and says that it is there', () => {
    const view = fieldsOf({
      port: 1,
      localPort: 2,
      remotePort: 65_535,
      pid: 4_194_304,
      netns: 4_026_531_840,
    });
    const { FILTER_PORT, FILTER_LOCAL_PORT, FILTER_REMOTE_PORT, FILTER_PID, FILTER_NETNS } = FILTER_FIELD;
    assert.equal(view.getUint16(FILTER_RULE.port, true), 1);
    assert.equal(view.getUint16(FILTER_RULE.local_port, true), 2);
    assert.equal(view.getUint16(FILTER_RULE.remote_port, true), 65_535);
    assert.equal(view.getUint32(FILTER_RULE.pid, true), 4_194_304);
    assert.equal(view.getUint32(FILTER_RULE.netns, true), 4_026_531_840);
    assert.equal(
      view.getUint32(FILTER_RULE.fields, true),
      FILTER_PORT | FILTER_LOCAL_PORT | FILTER_REMOTE_PORT | FILTER_PID | FILTER_NETNS,
    );
  });

  it('keeps a command of 15 bytes whole, with its end', () => {
    const view = fieldsOf({ command: 'exactly-15-byte' });
    const text = Buffer.from(view.buffer).toString('latin1', FILTER_RULE.command, FILTER_RULE.command + 16);
    assert.equal(text, 'exactly-15-byte\0');
    assert.equal(view.getUint32(FILTER_RULE.fields, true), FILTER_FIELD.FILTER_COMMAND);
  });

  it('asks for a cgroup also when there is none: nothing matches then', () => {
    for (const cgroupIds of [[7n], []])
      assert.equal(fieldsOf({ cgroupIds }).getUint32(FILTER_RULE.fields, true), FILTER_FIELD.FILTER_CGROUP);
  });

  it('writes networks as address and mask, IPv4 in IPv6', () => {
    const [zeros, ones] = ['00000000', 'ffffffff'];
    const mapped = `${zeros}${zeros}0000ffff`;
    const v4 = ones.repeat(3);
    assert.deepEqual(subnetOf('10.0.0.0', 8), [`${mapped}0a000000`, `${v4}ff000000`, '4']);
    assert.deepEqual(subnetOf('192.0.2.128', 25), [`${mapped}c0000280`, `${v4}ffffff80`, '4']);
    assert.deepEqual(subnetOf('0.0.0.0', 0), [`${mapped}${zeros}`, `${v4}${zeros}`, '4']);
    assert.deepEqual(subnetOf('192.0.2.1', 32), [`${mapped}c0000201`, ones.repeat(4), '4']);
    assert.deepEqual(subnetOf('::', 0), [zeros.repeat(4), zeros.repeat(4), '6']);
    assert.deepEqual(subnetOf('fd00::', 9), [`fd${'0'.repeat(30)}`, `ff80${'0'.repeat(28)}`, '6']);
    assert.deepEqual(subnetOf('::ffff:10.0.0.0', 104), [`${mapped}0a000000`, `${v4}ff000000`, '4']);
  });
});

/** What a writer did, in order. */
function recorded(): { readonly steps: string[]; readonly writer: FilterWriter } {
  const steps: string[] = [];
  const number = (bytes: Uint8Array): bigint => Buffer.from(bytes).readBigUInt64LE();
  const keyOf = (map: string, key: Uint8Array): string => {
    const view = new DataView(key.buffer);
    if (map === 'filter_rules') return String(view.getUint32(0, true));
    return `${view.getBigUint64(FILTER_CGROUP.id, true)}/${view.getUint32(FILTER_CGROUP.bank, true)}`;
  };
  const writer = new FilterWriter({
    update: (map, key, value) => {
      const shown =
        map === 'filter_rules' ? value[FILTER_RULE.kind] : new DataView(value.buffer).getUint32(0, true);
      steps.push(`${map} ${keyOf(map, key)} = ${shown}`);
    },
    delete: (map, key) => steps.push(`delete ${map} ${keyOf(map, key)}`) > 0,
    setVariable: (name, value) => void steps.push(`${name} = 0x${number(value).toString(16)}`),
  });
  return { steps, writer };
}

describe('FilterWriter', () => {
  it('writes the rules before it puts them in force, each time in the other bank', () => {
    const { steps, writer } = recorded();
    writer.write({ include: [{ port: 1 }], exclude: [{ cgroupIds: [5n] }, { cgroupIds: [5n], pid: 1 }] });
    writer.write({ include: [], exclude: [{ cgroupIds: [] }] });
    writer.write({ include: [], exclude: [] });
    assert.deepEqual(steps, [
      'filter_rules 32 = 1',
      'filter_rules 33 = 2',
      'filter_rules 34 = 2',
      'filter_rules 35 = 0',
      'filter_cgroups 5/1 = 6',
      'filter_setup = 0x100000003',
      'filter_rules 0 = 2',
      'filter_rules 1 = 0',
      'filter_setup = 0x200000000',
      'delete filter_cgroups 5/1',
      'filter_setup = 0x0',
    ]);
  });

  it('says whether a rule names a cgroup of version 1, whose trees are walked only then', () => {
    const { steps, writer } = recorded();
    const v1 = (1n << 56n) | 5n;
    writer.write({ include: [{ cgroupIds: [5n, v1] }], exclude: [{ cgroupIds: [v1] }] });
    assert.deepEqual(steps.slice(-3), [
      'filter_cgroups 5/1 = 1',
      `filter_cgroups ${v1}/1 = 3`,
      'filter_setup = 0x100000007',
    ]);
  });

  it('takes 32 rules and refuses 33 before it changes anything', () => {
    const { steps, writer } = recorded();
    const rules = (count: number): KernelFilterRule[] => Array.from({ length: count }, () => ({ port: 1 }));
    writer.write({ include: rules(16), exclude: rules(16) });
    // No end after the last one: the bank is full.
    assert.equal(steps.length, 33);
    assert.throws(() => writer.write({ include: rules(17), exclude: rules(16) }), /at most 32 filter rules/);
    assert.equal(steps.length, 33);
  });
});
