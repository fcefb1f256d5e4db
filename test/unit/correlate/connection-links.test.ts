import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionLinks } from '../../../receiver/correlate/connection-links.ts';
import { request } from '../../support/correlation.ts';

test('the links of all connections together have a bound, and the least used connection goes first', () => {
  const links = new ConnectionLinks(() => true);
  // 16 of each: 40,000 are reached with the 2,500th connection.
  const connections = 2_600;
  for (let cookie = 0; cookie < connections; cookie += 1)
    for (let use = 0; use < 20; use += 1) links.addUse(7, BigInt(cookie), request(100 * cookie + use));
  assert.equal(links.evictions, connections - 2_500);
  assert.equal(links.take(7, 0n).isUsed, false);
  assert.equal(links.take(7, BigInt(connections - 1)).spans.length, 16);
  // What was taken makes room.
  links.addUse(7, 1_000_000n, request());
  assert.equal(links.evictions, connections - 2_500);
});
