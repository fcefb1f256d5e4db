import assert from 'node:assert/strict';
import { connectionRows } from '../../../receiver/signals/connection/owned-rows.ts';
import { ConnectionSums } from '../../../receiver/signals/connection/sums.ts';
import { listenerRows } from '../../../receiver/signals/listener/owned-rows.ts';
import { ListenerSums } from '../../../receiver/signals/listener/sums.ts';
import { OWNER_INFO } from '../../../receiver/decode/generated/layout.ts';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import type { MapImage } from '../../../receiver/model/map-image.ts';
import { DropSums } from '../../../receiver/signals/drop/sums.ts';
import { StateSums } from '../../../receiver/signals/state/sums.ts';
import { ResetSums } from '../../../receiver/signals/reset/sums.ts';
import { QuietRows } from '../../../receiver/agent/quiet-rows.ts';
import type { OwnedMap } from '../../../receiver/agent/owned-maps.ts';
import { Sweep, type SweepParts } from '../../../receiver/agent/sweep.ts';
import {
  LISTENER_CELLS,
  listenerKey,
  mapImage,
  ownerKey,
  SERIES_CELLS,
  seriesKey,
  type ProcessKey,
} from '../../fixtures/records/write-rows.ts';
import { createHarness, dropDetails } from '../../support/sums-harness.ts';

const SIZES = {
  owners: OWNER_INFO.size,
  series: 8 * SERIES_CELLS.count,
  listeners: 8 * LISTENER_CELLS.total,
  drops: 8,
  resets: 8,
  state_durations: 176,
} as const;
type MapName = keyof typeof SIZES;

/** Cell of `struct state_sums`. */
const STATE_USES = 21;

/** What another program does just before a call of the sweep. */
export interface Interloper {
  run(): void;
}

/** A sweep over a kernel that programs go on changing. */
export class Sweeper {
  readonly harness = createHarness();
  readonly connections = new ConnectionSums(this.harness);
  readonly listeners = new ListenerSums(this.harness);
  readonly sweep: Sweep;
  readonly quietRows: QuietRows;
  readonly drops = new DropSums(
    this.harness,
    dropDetails(() => 'REASON'),
  );
  readonly resets = new ResetSums(this.harness, () => undefined);
  readonly states = new StateSums(this.harness);
  #refused = 0;
  readonly made = { opened: 0, closed: 0, overflows: 0 };
  readonly deletions: string[] = [];
  readonly retired: string[] = [];
  readonly forgotten: number[] = [];
  readonly #maps: Record<MapName, Map<string, { key: Uint8Array; value: Uint8Array }>>;
  /** `processId` of processes whose drops wait for a collection. */
  readonly awaited = new Set<string>();
  readonly #ended = new Set<number>();
  #next: (() => Interloper | undefined) | undefined;

  constructor(resourceOf?: (pid: number) => string, { usesProc = false } = {}) {
    this.#maps = {
      owners: new Map(),
      series: new Map(),
      listeners: new Map(),
      drops: new Map(),
      resets: new Map(),
      state_durations: new Map(),
    };
    const owners = new OwnerTable(64, (key, info) => this.#lookup('owners', key, info));
    const parts: SweepParts = {
      kernel: {
        read: (map) => this.#whileOthersRun(() => this.#image(mapName(map))),
        lookup: (map, key, value) => this.#whileOthersRun(() => this.#lookup(mapName(map), key, value)),
        delete: (map, key) => this.#whileOthersRun(() => this.#delete(map, key)),
        takeRow: (map, key, seen) => this.#whileOthersRun(() => this.#take(mapName(map), key, seen)),
      },
      maps: [
        {
          map: 'series',
          update: (image) => this.connections.update(image),
          rows: connectionRows(this.connections),
        },
        {
          map: 'listeners',
          update: (image) => this.listeners.update(image),
          rows: listenerRows(this.listeners),
        },
        counters('drops', this.drops),
        counters('resets', this.resets),
        counters('state_durations', this.states),
      ],
      owners,
      resources: {
        resolve: ({ pid }) => {
          const id = resourceOf?.(pid) ?? `r${pid}`;
          return { id, kind: id === 'host' ? 'host' : 'workload' };
        },
        forget: ({ pid }) => this.forgotten.push(pid),
      },
      store: { retire: (id) => this.retired.push(id) },
      awaited: () => this.awaited,
      ...(!usesProc && { isAlive: ({ pid }) => !this.#ended.has(pid) }),
    };
    this.sweep = new Sweep(parts);
    this.quietRows = new QuietRows(parts);
  }

  announce(owner: ProcessKey): void {
    this.#row('owners', ownerKey(owner));
  }

  end({ pid }: ProcessKey): void {
    this.#ended.add(pid);
  }

  connect(
    owner: ProcessKey,
    port: number,
    given: { opened: number; closed: number; at: number; active?: number; pass?: number },
  ): void {
    const row = this.#row('series', seriesKey({ owner, serverPort: port, role: 1 }));
    set(row, SERIES_CELLS.touched, () => given.at);
    set(row, SERIES_CELLS.opened, (before) => before + given.opened);
    set(row, SERIES_CELLS.closed, (before) => before + given.closed);
    set(row, SERIES_CELLS.active, () => given.active ?? 0);
    set(row, SERIES_CELLS.activePass, () => given.pass ?? 0);
    this.made.opened += given.opened;
    this.made.closed += given.closed;
  }

  listen(owner: ProcessKey, port: number, pass: number, overflows = 0): void {
    const row = this.#row('listeners', listenerKey(owner, port));
    set(row, LISTENER_CELLS.pass, () => pass);
    set(row, LISTENER_CELLS.uses, (before) => before + 1);
    set(row, LISTENER_CELLS.drops, (before) => before + overflows);
    this.made.overflows += overflows;
  }

  /** Adds to a row of drops, resets or states: to its first cell. */
  count(map: 'drops' | 'resets' | 'state_durations', key: Uint8Array, more: number): void {
    set(this.#row(map, key), 0, (before) => before + more);
    if (map === 'state_durations') set(this.#row(map, key), STATE_USES, (before) => before + 1);
  }

  readSums(): void {
    this.connections.update(this.#image('series'));
    this.listeners.update(this.#image('listeners'));
    this.drops.update(this.#image('drops'));
    this.resets.update(this.#image('resets'));
    this.states.update(this.#image('state_durations'));
  }

  setGauges(pass: number): void {
    this.connections.setGauges(pass);
    this.listeners.setGauges(pass);
  }

  run(nowNs: number): void {
    this.sweep.run(nowNs);
  }

  /** `next` gives what happens before each call into the kernel. */
  sweepDuring(nowNs: number, next: () => Interloper | undefined): void {
    this.#next = next;
    this.sweep.run(nowNs);
    this.#next = undefined;
  }

  sweepQuietDuring(nowNs: number, next: () => Interloper | undefined): void {
    this.#next = next;
    this.quietRows.run(nowNs);
    this.#next = undefined;
  }

  exported(figure: 'opened' | 'closed' | 'overflows'): number {
    // Kept with the row until a collection finds the cause.
    for (const row of this.listeners.takeRows()) {
      this.#refused += row.refused;
      row.refused = 0;
    }
    return figure === 'overflows' ? this.#refused : this.harness.sink.total(`.${figure} `);
  }

  rowsIn(map: MapName): number {
    return this.#maps[map].size;
  }

  has(map: MapName, owner: ProcessKey): boolean {
    const start = idOf(ownerKey(owner));
    return [...this.#maps[map].keys()].some((id) => id.startsWith(start));
  }

  assertOnlyEndedWereDeleted(): void {
    for (const id of this.deletions) {
      const pid = Buffer.from(id, 'hex').readUInt32LE(8);
      assert.ok(this.#ended.has(pid), `a row of live process ${pid} was deleted`);
    }
  }

  #whileOthersRun<T>(call: () => T): T {
    this.#next?.()?.run();
    return call();
  }

  #row(map: MapName, key: Uint8Array): Uint8Array {
    const id = idOf(key);
    let row = this.#maps[map].get(id);
    if (row === undefined) {
      row = { key, value: new Uint8Array(SIZES[map]) };
      this.#maps[map].set(id, row);
    }
    return row.value;
  }

  #image(map: MapName): MapImage {
    return mapImage([...this.#maps[map].values()].map(({ key, value }) => [key, value] as const));
  }

  #lookup(map: MapName, key: Uint8Array, value: Uint8Array): boolean {
    const row = this.#maps[map].get(idOf(key));
    assert.equal(value.length, SIZES[map], 'the kernel writes a whole value');
    if (row !== undefined) value.set(row.value);
    return row !== undefined;
  }

  /** As ws_take_row of bpf/rows.bpf.c. */
  #take(map: MapName, key: Uint8Array, seen: Uint8Array): boolean {
    const row = this.#maps[map].get(idOf(key));
    const cell = {
      series: SERIES_CELLS.touched,
      listeners: LISTENER_CELLS.uses,
      state_durations: STATE_USES,
    };
    const at = 8 * (map in cell ? cell[map as keyof typeof cell] : 0);
    if (row !== undefined && idOf(row.value.subarray(at, at + 8)) !== idOf(seen)) return false;
    this.#delete(map, key);
    return true;
  }

  #delete(map: MapName, key: Uint8Array): void {
    this.deletions.push(idOf(key));
    this.#maps[map].delete(idOf(key));
  }
}

function counters(map: MapName, sums: { update(image: MapImage): void; forget(id: string): void }): OwnedMap {
  return {
    map,
    update: (image) => sums.update(image),
    rows: {
      size: SIZES[map],
      useAt: map === 'state_durations' ? 8 * STATE_USES : 0,
      forget: (id) => sums.forget(id),
    },
  };
}

function mapName(name: string): MapName {
  assert.ok(name in SIZES, name);
  return name as MapName;
}

function idOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function set(value: Uint8Array, cell: number, change: (before: number) => number): void {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const before = Number(view.getBigUint64(cell * 8, true));
  view.setBigUint64(cell * 8, BigInt(change(before)), true);
}
