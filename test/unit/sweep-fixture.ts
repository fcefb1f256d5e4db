import assert from 'node:assert/strict';
import { ConnectionSums } from '../../receiver/collect/connections.ts';
import { ListenerSums } from '../../receiver/collect/listeners.ts';
import { OWNER_INFO } from '../../receiver/decode/generated/layout.ts';
import { OwnerTable } from '../../receiver/decode/owners.ts';
import type { MapImage } from '../../receiver/map-image.ts';
import { DropSums, StateSums } from '../../receiver/collect/host-sums.ts';
import { ResetSums } from '../../receiver/collect/resets.ts';
import { Sweep, type OwnedCounters, type SweepParts } from '../../receiver/sweep.ts';
import {
  LISTENER_CELLS,
  listenerKey,
  mapImage,
  ownerKey,
  SERIES_CELLS,
  seriesKey,
  type ProcessKey,
} from '../fixtures/records/write-rows.ts';
import { createHarness, dropDetails } from './collect/fixture.ts';

const SIZES = {
  owners: OWNER_INFO.size,
  series: 1056,
  listeners: 320,
  drops: 8,
  resets: 8,
  state_durations: 168,
} as const;
type MapName = keyof typeof SIZES;

/** What another program does just before a call of the sweep, and to which row. */
export interface Interloper {
  readonly owner: ProcessKey;
  readonly port: number;
  run(): void;
}

/** A sweep over a kernel that programs go on changing. */
export class Sweeper {
  readonly harness = createHarness();
  readonly connections = new ConnectionSums(this.harness);
  readonly listeners = new ListenerSums(this.harness);
  readonly sweep: Sweep;
  readonly drops = new DropSums(
    this.harness,
    dropDetails(() => 'REASON'),
  );
  readonly resets = new ResetSums(this.harness, () => undefined);
  readonly states = new StateSums(this.harness);
  readonly made = { opened: 0, closed: 0, overflows: 0 };
  readonly deletions: string[] = [];
  readonly retired: string[] = [];
  readonly forgotten: number[] = [];
  readonly #maps: Record<MapName, Map<string, { key: Uint8Array; value: Uint8Array }>>;
  /** `pid:startNs` of processes whose drops wait for a collection. */
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
      read: (map) => this.#whileOthersRun(() => this.#image(mapName(map))),
      lookup: (map, key, value) => this.#whileOthersRun(() => this.#lookup(mapName(map), key, value)),
      delete: (map, key) => this.#whileOthersRun(() => this.#delete(mapName(map), key), key),
      connections: this.connections,
      listeners: this.listeners,
      counters: [
        counters('drops', this.drops),
        counters('resets', this.resets),
        counters('state_durations', this.states),
      ],
      owners,
      resourceOf: ({ pid }) => {
        const id = resourceOf?.(pid) ?? `r${pid}`;
        return { id, kind: id === 'host' ? 'host' : 'workload' };
      },
      forget: ({ pid }) => this.forgotten.push(pid),
      retire: (id) => this.retired.push(id),
      awaited: () => this.awaited,
      ...(!usesProc && { isAlive: ({ pid }) => !this.#ended.has(pid) }),
    };
    this.sweep = new Sweep(parts);
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
    set(row, LISTENER_CELLS.drops, (before) => before + overflows);
    this.made.overflows += overflows;
  }

  /** Adds to a row of drops, resets or states: to its first cell. */
  count(map: 'drops' | 'resets' | 'state_durations', key: Uint8Array, more: number): void {
    set(this.#row(map, key), 0, (before) => before + more);
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

  exported(figure: 'opened' | 'closed' | 'overflows'): number {
    // Kept with the row until a collection finds the cause.
    const refused = [...this.listeners.rows.values()].reduce((sum, row) => sum + row.refused, 0);
    return this.harness.sink.total(`.${figure} `) + (figure === 'overflows' ? refused : 0);
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

  /**
   * The one window that is not closed: a program that adds to a row after its last
   * figures were read and before it is deleted. Such a program comes after instead.
   */
  #whileOthersRun<T>(call: () => T, deleted?: Uint8Array): T {
    const other = this.#next?.();
    if (other === undefined) return call();
    const target = idOf(seriesKey({ owner: other.owner, serverPort: other.port, role: 1 }));
    const isWindow = deleted !== undefined && idOf(deleted) === target;
    if (!isWindow) other.run();
    const result = call();
    if (isWindow) other.run();
    return result;
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

  #delete(map: MapName, key: Uint8Array): void {
    this.deletions.push(idOf(key));
    this.#maps[map].delete(idOf(key));
  }
}

function counters(
  map: MapName,
  sums: { update(image: MapImage): void; forget(id: string): void },
): OwnedCounters {
  return {
    map,
    size: SIZES[map],
    update: (image) => sums.update(image),
    forget: (id) => sums.forget(id),
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
