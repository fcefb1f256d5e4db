import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnectHolds } from '../../../../receiver/signals/connection/connect-holds.ts';
import { connection, second } from '../../../support/correlation.ts';

test('one more than the bound releases the oldest, counted, and none is lost', () => {
  const released: bigint[] = [];
  const holds = createConnectHolds(2, ({ cookie }) => released.push(cookie));
  for (const cookie of [1n, 2n, 3n]) holds.hold(connection({ kind: 'open', cookie }));
  assert.deepEqual(released, [1n]);
  assert.equal(holds.releasedEarly, 1);
  holds.releaseAll();
  holds.releaseAll();
  assert.deepEqual(released, [1n, 2n, 3n]);
});

test('what is taken is not released', () => {
  const released: bigint[] = [];
  const holds = createConnectHolds(2, ({ cookie }) => released.push(cookie));
  holds.hold(connection({ kind: 'open', timeNs: 0n }));
  assert.equal(holds.take(connection({ netns: 8 })), undefined);
  assert.equal(holds.take(connection())?.timeNs, 0n);
  assert.equal(holds.take(connection()), undefined);
  holds.expire(10n * second);
  assert.deepEqual(released, []);
});

test('a handshake waits one second', () => {
  const released: bigint[] = [];
  const holds = createConnectHolds(2, ({ cookie }) => released.push(cookie));
  holds.hold(connection({ kind: 'open', timeNs: 5n }));
  holds.expire(second + 4n);
  assert.deepEqual(released, []);
  holds.expire(second + 5n);
  assert.deepEqual(released, [1n]);
});
