import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { load } from '../config/sources.ts';

test('programs are loaded in one part where there is little memory', () => {
  const partsWith = (env: Record<string, string>): number | undefined =>
    kernelOptionsOf(load({ env })).loadParts;
  assert.equal(partsWith({}), undefined);
  assert.equal(partsWith({ WIRESPAN_PROFILE: 'small' }), 1);
  assert.equal(partsWith({ WIRESPAN_PROFILE: 'small', WIRESPAN_BPF_MAX_SOCKETS: '65536' }), undefined);
});
