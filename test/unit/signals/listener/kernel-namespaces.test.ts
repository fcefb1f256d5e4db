import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KernelNamespaces } from '../../../../receiver/signals/listener/kernel-namespaces.ts';
import type { NamespaceRef } from '../../../../receiver/signals/listener/namespaces.ts';
import { mapImage, sparse } from '../../../fixtures/records/write-rows.ts';

type Counted = readonly [id: number, overflows: number, cookies: number, synDrops: number, pass: number];

function createNamespaces(): {
  space: KernelNamespaces;
  deleted: bigint[];
  look(pass: number, ...rows: Counted[]): void;
} {
  let rows: readonly Counted[] = [];
  const deleted: bigint[] = [];
  const space = new KernelNamespaces({
    read: () => mapImage(rows.map(([id, ...cells]) => [keyOf(id), valueOf(cells)])),
    delete: (key) => deleted.push(new DataView(key.buffer, key.byteOffset).getBigUint64(0, true)),
  });
  const look = (pass: number, ...now: Counted[]): void => {
    rows = now;
    space.look(pass);
  };
  return { space, deleted, look };
}

function keyOf(id: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(id)).buffer);
}

function valueOf([overflows = 0, cookies = 0, synDrops = 0, pass = 0]: readonly number[]): Uint8Array {
  return sparse(7, { 0: overflows, 1: cookies, 2: synDrops, 3: 1_000, 4: 1_000, 5: 1_000, 6: pass });
}

const ref = (id: number): NamespaceRef => ({ id, netns: 1, pids: new Set() });

describe('KernelNamespaces', () => {
  it('tells what each gained since it was last asked for', () => {
    const { space, look } = createNamespaces();
    look(1, [5, 3, 2, 1, 1], [6, 9, 0, 0, 1]);
    assert.deepEqual(space.gained(ref(5)), { acceptOverflows: 3, cookies: 2, synDrops: 1 });
    look(2, [5, 4, 2, 8, 2], [6, 9, 0, 0, 1]);
    assert.deepEqual(space.gained(ref(5)), { acceptOverflows: 1, cookies: 0, synDrops: 7 });
    assert.deepEqual(space.gained(ref(6)), { acceptOverflows: 9, cookies: 0, synDrops: 0 });
    assert.deepEqual(space.gained(ref(6)), { acceptOverflows: 0, cookies: 0, synDrops: 0 });
  });

  it('does not know one that found no place in the map', () => {
    const { space, look } = createNamespaces();
    look(1, [5, 3, 2, 1, 1]);
    assert.equal(space.gained(ref(7)), undefined);
  });

  it('takes out those that have had no listener for some passes, and begins anew with them', () => {
    const { space, deleted, look } = createNamespaces();
    look(3, [5, 3, 0, 0, 1]);
    assert.deepEqual([space.gained(ref(5))?.acceptOverflows, deleted], [3, []]);
    look(4, [5, 3, 0, 0, 1]);
    assert.deepEqual([space.gained(ref(5)), deleted], [undefined, [5n]]);
    look(5, [5, 2, 0, 0, 5]);
    assert.equal(space.gained(ref(5))?.acceptOverflows, 2);
  });
});
