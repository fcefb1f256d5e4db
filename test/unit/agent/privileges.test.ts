import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { capabilityMask, capabilityNames } from '../../../native/capabilities.ts';
import { privilegeWarnings } from '../../../receiver/agent/privilege-warnings.ts';

/** What the agent keeps: test/e2e/privileges.test.ts sees it in its threads. */
const KEPT_CAPABILITIES = ['CAP_BPF', 'CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE', 'CAP_SYSLOG'];
const QUIET = {
  metrics: new Map<string, boolean>(),
  events: new Map([['wirespan.packet.drop', 'off' as const]]),
  attributes: new Set<string>(),
  readsContexts: true,
};
const SHOWN = import.meta.filename;
const NOWHERE = '/no/such/file';

test('all that is kept: nothing to say', () => {
  assert.deepEqual(privilegeWarnings(KEPT_CAPABILITIES, QUIET, NOWHERE), []);
});

test('each of the two that reading other users takes is named', () => {
  const without = (...names: string[]): string[] =>
    privilegeWarnings(
      KEPT_CAPABILITIES.filter((name) => !names.includes(name)),
      QUIET,
      NOWHERE,
    ).map((text) => text.split(',')[0] ?? '');
  assert.deepEqual(without('CAP_SYS_PTRACE'), ['Without CAP_SYS_PTRACE']);
  assert.deepEqual(without('CAP_DAC_READ_SEARCH'), ['Without CAP_DAC_READ_SEARCH']);
  assert.deepEqual(without('CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH'), [
    'Without CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE',
  ]);
});

test('hidden kernel addresses are told to whom wants names of functions', () => {
  const wanted = { ...QUIET, attributes: new Set(['code.function.name']) };
  const events = { ...QUIET, events: new Map([['wirespan.packet.drop', 'on' as const]]) };
  for (const config of [wanted, events]) {
    assert.match(privilegeWarnings(KEPT_CAPABILITIES, config, NOWHERE).join(), /CAP_SYSLOG/);
    assert.deepEqual(privilegeWarnings(KEPT_CAPABILITIES, config, SHOWN), []);
  }
});

test('and to whom wants wake-ups, of which none can be told then', () => {
  const metrics = { ...QUIET, metrics: new Map([['wirespan.tcp.wakeup.duration', true]]) };
  const events = {
    ...QUIET,
    events: new Map([...QUIET.events, ['wirespan.tcp.wakeup.slow', 'on' as const]]),
  };
  for (const config of [metrics, events]) {
    assert.match(privilegeWarnings(KEPT_CAPABILITIES, config, NOWHERE).join(), /wake-ups .* CAP_SYSLOG/);
    assert.deepEqual(privilegeWarnings(KEPT_CAPABILITIES, config, SHOWN), []);
  }
});

test('memory that nobody may read is told to whom wants the names in it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-scope-'));
  const scope = join(folder, 'ptrace_scope');
  try {
    const warnings = (text: string, readsContexts = true): string[] => {
      writeFileSync(scope, text);
      return privilegeWarnings(KEPT_CAPABILITIES, { ...QUIET, readsContexts }, NOWHERE, scope);
    };
    assert.match(warnings('3\n').join(), /ptrace_scope is 3/);
    assert.deepEqual([...warnings('3\n', false), ...warnings('2\n'), ...warnings('1\n')], []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('capabilities to bits and back', () => {
  assert.equal(capabilityMask(['CAP_CHOWN', 'CAP_BPF']), (1n << 39n) | 1n);
  assert.deepEqual(capabilityNames((1n << 38n) | (1n << 2n)), ['CAP_DAC_READ_SEARCH', 'CAP_PERFMON']);
});

test('the table of capabilities has a row for each that is kept', () => {
  const page = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(CAP_\w+)`\s+\| always /gm)].map(([, name]) => name);
  assert.deepEqual(rows.sort(), [...KEPT_CAPABILITIES].sort());
});
