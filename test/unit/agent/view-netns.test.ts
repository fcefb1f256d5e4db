import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { withNetns } from '../../../receiver/agent/view-netns.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import { tcpdrop } from '../../../receiver/views/tcpdrop.ts';

const netnsOf = (...argv: readonly string[]): string | undefined =>
  withNetns('tcpdrop', parseViewArguments('tcpdrop', optionsOf(tcpdrop), argv)).text('netns');

test('a network namespace is given by its number under two names, or by a process', () => {
  assert.equal(netnsOf(), undefined);
  assert.equal(netnsOf('--netns', '4026531840'), '4026531840');
  assert.equal(netnsOf('--netns-id', '4026531841'), '4026531841');
  assert.equal(netnsOf('--pid-netns', String(process.pid)), String(statSync('/proc/self/ns/net').ino));
});

test('two ways, and a process that is not there, are refused in a sentence', () => {
  assert.throws(() => netnsOf('--netns', '7', '--pid-netns', '8'), {
    message: /tcpdrop: --netns 7: does not go with --pid-netns: give one of them/,
  });
  assert.throws(() => netnsOf('--netns-id', '7', '--pid-netns', '8'), {
    message: /--netns-id 7: does not go/,
  });
  assert.throws(() => netnsOf('--pid-netns', '4194304'), {
    message: /--pid-netns 4194304: is no process here, or its namespace is not to be looked at/,
  });
});
