import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { it } from 'node:test';
import { errorTypeOf, SOFTIRQ_NAMES } from '../../../receiver/decode/names.ts';

const ERRORS: Readonly<Partial<Record<keyof typeof constants.errno, string>>> = {
  ECONNREFUSED: 'connection_refused',
  ETIMEDOUT: 'timed_out',
  ENETUNREACH: 'network_unreachable',
  EHOSTUNREACH: 'host_unreachable',
  ENETDOWN: 'network_down',
  EADDRNOTAVAIL: 'address_not_available',
  EADDRINUSE: 'address_already_in_use',
  EACCES: 'access_denied',
  EPERM: 'access_denied',
  EINTR: 'interrupted',
  ENOBUFS: 'no_buffer_space_available',
  ENOMEM: 'no_buffer_space_available',
  ECONNRESET: 'connection_reset',
  ECONNABORTED: 'connection_aborted',
  EPIPE: 'broken_pipe',
};

it('errorTypeOf names what the catalogue names, by the numbers of this system', () => {
  for (const [name, type] of Object.entries(ERRORS))
    assert.equal(errorTypeOf(constants.errno[name as keyof typeof ERRORS]), type, name);
});

it('errorTypeOf knows no error, the cancelled attempt, and calls the rest _OTHER', () => {
  assert.equal(errorTypeOf(0), undefined);
  assert.equal(errorTypeOf(254), 'cancelled');
  const named = new Set([
    254,
    ...Object.keys(ERRORS).map((name) => constants.errno[name as keyof typeof ERRORS]),
  ]);
  for (let error = 1; error < 256; error += 1)
    if (!named.has(error)) assert.equal(errorTypeOf(error), '_OTHER', String(error));
});

it('SOFTIRQ_NAMES is in the order of the kernel', () => {
  assert.deepEqual(
    [...SOFTIRQ_NAMES],
    ['hi', 'timer', 'net_tx', 'net_rx', 'block', 'irq_poll', 'tasklet', 'sched', 'hrtimer', 'rcu'],
  );
});
