/** What the agent does with the kernel's sums: reads them, and takes rows out that are quiet. */
import assert from 'node:assert/strict';
import { connectionRows } from '../../../receiver/signals/connection/owned-rows.ts';
import { ConnectionSums } from '../../../receiver/signals/connection/sums.ts';
import { ResetSums } from '../../../receiver/signals/reset/sums.ts';
import { OWNER_INFO, OWNER_KEY, ROW_MAP } from '../../../receiver/decode/generated/layout.ts';
import type { MapImage } from '../../../receiver/model/map-image.ts';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import { QuietRows } from '../../../receiver/agent/quiet-rows.ts';
import { createHarness, type Harness } from '../../support/sums-harness.ts';
import type { Watcher } from '../../support/watcher.ts';

/** `quietMs`: after so long a row goes. */
export class SumsReader {
  readonly harness: Harness;
  readonly quiet: QuietRows;
  readonly #watcher: Watcher;
  readonly #connections: ConnectionSums;
  readonly #resets: ResetSums;

  constructor(watcher: Watcher, quietMs: number) {
    const { source } = watcher;
    const owners = new OwnerTable(4_096, (key, info) => source.lookup('owners', key, info));
    this.#watcher = watcher;
    this.harness = { ...createHarness(), ownerAt: (view, at) => owners.find(view, at) };
    this.#connections = new ConnectionSums(this.harness);
    this.#resets = new ResetSums(this.harness, () => undefined);
    const parts = {
      kernel: source,
      maps: [
        {
          map: 'series',
          update: (image: MapImage) => this.#connections.update(image),
          rows: connectionRows(this.#connections),
        },
        {
          map: 'resets',
          update: (image: MapImage) => this.#resets.update(image),
          rows: { size: 8, useAt: 0, forget: (id: string) => this.#resets.forget(id) },
        },
      ],
    };
    this.quiet = new QuietRows(parts, quietMs * 1e6);
  }

  read(): void {
    this.#connections.update(this.#watcher.source.read('series'));
    this.#resets.update(this.#watcher.source.read('resets'));
  }

  sweep(): void {
    this.read();
    this.quiet.run(Number(process.hrtime.bigint()));
  }

  /** Rows that the kernel counts as the process's, by `enum row_map`. */
  rowsOf(pid: number): number[] {
    const { count, keys, keySize, values, stride } = this.#watcher.source.read('owners');
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    const row = Array.from({ length: count }, (_, i) => i).find(
      (i) => key.getUint32(i * keySize + OWNER_KEY.pid, true) === pid,
    );
    assert.ok(row !== undefined);
    const at = row * stride + OWNER_INFO.rows;
    return Array.from({ length: ROW_MAP.ROW_MAPS }, (_, map) => value.getUint32(at + map * 4, true));
  }
}
