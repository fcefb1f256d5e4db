/** Rows of `listeners` as a view shows them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listenerFigures } from '../../../../receiver/signals/listener/figures.ts';
import { LISTENER_CELLS as L, listenerKey, mapImage, sparse } from '../../../fixtures/records/write-rows.ts';
import { createHarness, NGINX } from '../../../support/sums-harness.ts';

describe('figures of listeners', () => {
  it('are of those that the pass met, with what the map has', () => {
    const { ownerAt } = createHarness();
    const cells = { [L.pass]: 7, [L.count]: 2, [L.usage]: 3, [L.limit]: 1_024, [L.drops]: 5 };
    const image = mapImage([
      [listenerKey(NGINX, 8080, 4), sparse(L.total, cells)],
      [listenerKey(NGINX, 8081, 6), sparse(L.total, { ...cells, [L.usage]: 0 })],
      [listenerKey(NGINX, 8082, 4), sparse(L.total, { ...cells, [L.pass]: 6 })],
    ]);
    const figures = listenerFigures(image, 7, ownerAt);
    assert.equal(new Set(figures.map(({ id }) => id)).size, 2);
    assert.deepEqual(
      figures.map(({ id: _id, netns: _netns, owner: { pid }, ...rest }) => ({ pid, ...rest })),
      [
        {
          pid: NGINX.pid,
          family: 4,
          address: '0.0.0.0',
          port: 8080,
          sockets: 2,
          queued: 3,
          limit: 1_024,
          drops: 5,
        },
        {
          pid: NGINX.pid,
          family: 6,
          address: '::',
          port: 8081,
          sockets: 2,
          queued: 0,
          limit: 1_024,
          drops: 5,
        },
      ],
    );
  });
});
