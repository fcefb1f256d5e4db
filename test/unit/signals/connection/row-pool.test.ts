import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cells, type RowMemory } from '../../../../receiver/signals/context.ts';
import { RowPool } from '../../../../receiver/signals/connection/row-pool.ts';

const CELLS = 3;
/** What one row takes memory for. */
const ROWS_PER_SLAB = capacityOfOne();

function capacityOfOne(): number {
  const pool = new RowPool(CELLS);
  pool.take();
  return pool.capacity;
}

/** A row of the kernel with these sums. */
function cellsOf(...values: readonly bigint[]): Cells {
  return new Cells(new Uint8Array(new BigUint64Array(values).buffer));
}

function gains(memory: RowMemory, ...values: readonly bigint[]): number[] {
  return values.map((_, i) => memory.gain(cellsOf(...values), 8 * i));
}

describe('RowPool', () => {
  it('keeps each row to itself', () => {
    const pool = new RowPool(CELLS);
    const rows = Array.from({ length: 2 * ROWS_PER_SLAB + 1 }, () => pool.take());
    for (const [i, row] of rows.entries())
      assert.deepEqual(gains(row, BigInt(i), 1n, 2n), [i, 1, 2], String(i));
    for (const [i, row] of rows.entries())
      assert.deepEqual(gains(row, BigInt(i) + 5n, 1n, 3n), [5, 0, 1], String(i));
    assert.equal(pool.capacity, 3 * ROWS_PER_SLAB);
  });

  it('gives zeros to who gets a memory that another had', () => {
    const pool = new RowPool(CELLS);
    const first = pool.take();
    const other = pool.take();
    gains(first, 7n, 7n, 7n);
    gains(other, 1n, 1n, 1n);
    pool.release(first);
    assert.deepEqual(gains(pool.take(), 7n, 8n, 9n), [7, 8, 9]);
    assert.deepEqual(gains(other, 1n, 2n, 1n), [0, 1, 0]);
  });

  it('needs no more than were taken at once, and gives all of it back', () => {
    const pool = new RowPool(CELLS);
    for (let round = 0; round < 50; round += 1) {
      const rows = Array.from({ length: ROWS_PER_SLAB + 1 }, () => pool.take());
      assert.equal(pool.capacity, 2 * ROWS_PER_SLAB);
      for (const row of rows) pool.release(row);
      assert.equal(pool.capacity, 0);
    }
  });
});
