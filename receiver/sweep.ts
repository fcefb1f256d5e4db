import { existsSync } from 'node:fs';
import type { ConnectionSums } from './collect/connections.ts';
import type { ListenerSums } from './collect/listeners.ts';
import { OWNER_KEY, SERIES } from './decode/generated/layout.ts';
import type { OwnerTable } from './decode/owners.ts';
import type { MapImage } from './map-image.ts';
import type { Owner } from './model.ts';

/** What a sweep needs of the rest. */
export interface SweepParts {
  /** Reads a whole kernel map. */
  read(map: string): MapImage;
  lookup(map: string, key: Uint8Array, value: Uint8Array): boolean;
  delete(map: string, key: Uint8Array): void;
  readonly connections: ConnectionSums;
  readonly listeners: ListenerSums;
  readonly owners: OwnerTable;
  /** Resource id of an owner. */
  resourceOf(owner: Owner): string;
  forget(owner: Owner): void;
  retire(resourceId: string): void;
  /** Whether the process is still there; default: `/proc` says so. */
  isAlive?(pid: number): boolean;
}

/** A row is left alone until nothing was added to it for so long: a program may hold it. */
const QUIET_NS = 2_000_000_000;

/**
 * Takes the rows of ended processes out of the kernel's maps, after their last
 * figures were read, so that short-lived processes do not fill them.
 */
export class Sweep {
  readonly #parts: SweepParts;
  /** Rows taken out so far. */
  removed = 0;

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  /** `nowNs`: CLOCK_MONOTONIC. */
  run(nowNs: number): void {
    const { live, dead } = this.#sortOwners();
    if (dead.size === 0) return;
    const busy = new Set<string>();
    this.#sweepConnections(dead, busy, nowNs);
    this.#sweepListeners(dead);
    const kept = new Set([...live.values()].map((owner) => this.#parts.resourceOf(owner)));
    for (const [id, { owner, key }] of dead) {
      if (busy.has(id)) continue;
      const resource = this.#parts.resourceOf(owner);
      this.#parts.delete('owners', key);
      this.#parts.owners.forget(owner);
      this.#parts.forget(owner);
      if (!kept.has(resource)) this.#parts.retire(resource);
    }
  }

  #sortOwners(): { live: Map<string, Owner>; dead: Map<string, { owner: Owner; key: Uint8Array }> } {
    const isAlive = this.#parts.isAlive ?? ((pid: number) => existsSync(`/proc/${String(pid)}`));
    const image = this.#parts.read('owners');
    const view = new DataView(image.keys.buffer, image.keys.byteOffset);
    const live = new Map<string, Owner>();
    const dead = new Map<string, { owner: Owner; key: Uint8Array }>();
    for (let i = 0; i < image.count; i += 1) {
      const at = i * OWNER_KEY.size;
      const owner = this.#parts.owners.find(view, at);
      const id = idOf(owner);
      if (isAlive(owner.pid)) live.set(id, owner);
      else dead.set(id, { owner, key: image.keys.slice(at, at + OWNER_KEY.size) });
    }
    return { live, dead };
  }

  #sweepConnections(dead: ReadonlyMap<string, unknown>, busy: Set<string>, nowNs: number): void {
    const { connections } = this.#parts;
    const value = new Uint8Array(SERIES.size);
    for (const [id, row] of connections.rows) {
      const owner = idOf(row.owner);
      if (!dead.has(owner)) continue;
      if (row.memory.seen(SERIES.touched_ns) > nowNs - QUIET_NS) {
        busy.add(owner);
        continue;
      }
      if (this.#parts.lookup('series', row.key, value))
        connections.update({ count: 1, keys: row.key, values: value, keySize: row.key.length, stride: SERIES.size });
      this.#parts.delete('series', row.key);
      connections.forget(id);
      this.removed += 1;
    }
  }

  #sweepListeners(dead: ReadonlyMap<string, unknown>): void {
    const { listeners } = this.#parts;
    for (const [id, row] of listeners.rows) {
      if (!dead.has(idOf(row.owner))) continue;
      this.#parts.delete('listeners', row.key);
      listeners.forget(id);
      this.removed += 1;
    }
  }
}

function idOf(owner: Owner): string {
  return `${String(owner.pid)}:${String(owner.startNs)}`;
}
