import { ATTR_SERVER_PORT, METRIC_PACKET_DROPPED } from '../../../semconv/index.ts';
import {
  UNOWNED_DROP,
  UNOWNED_COUNT,
  UNOWNED_END,
  CLAIM,
  UNOWNED_KEY,
  UNOWNED_KEY_LENGTH,
  UNOWNED_DROP_LENGTH,
  UNOWNED_WHAT,
} from '../../decode/generated/layout.ts';
import { NO_OWNER, processIdAt } from '../../decode/owners.ts';
import { rowsOf, type MapImage, type MapRow } from '../../model/map-image.ts';
import type { ObservedResource, Owner } from '../../model/resource.ts';
import { Cells, RowMemory, type SumsContext } from '../context.ts';
import type { DropDetails } from './details.ts';
import { ListenEnds, type FoundOwner, type PacketEnd } from './listen-ends.ts';

export interface UnownedParts {
  readonly context: SumsContext;
  readonly details: DropDetails;
  /** Takes a row out of a kernel map. */
  delete(map: 'unowned_drops' | 'listen_ends', key: Uint8Array): void;
  /** Whether the namespace takes packets for this address; asked through a process in it. */
  isLocal(end: PacketEnd, owner: Owner): boolean;
  /** Milliseconds, any steady origin. */
  nowMs(): number;
}

/** What a pass left for the drops without a socket. */
export interface ClaimedDrops {
  readonly drops: MapImage;
  readonly listenEnds: MapImage;
  /** Its banks are closed up to this one: nothing is added to them but by programs that run already. */
  readonly bank: number;
  readonly pass: number;
}

/** Parts of the upper half of `what`, whose bits are numbered from 32. */
const RECEIVED = 1 << (UNOWNED_WHAT.UNOWNED_RECEIVED_BIT - 32);
const STATE_SHIFT = UNOWNED_WHAT.UNOWNED_STATE_BIT - 32;
const STATE_MASK = (1 << (UNOWNED_WHAT.UNOWNED_SITE_BIT - UNOWNED_WHAT.UNOWNED_STATE_BIT)) - 1;
const SITE_SHIFT = UNOWNED_WHAT.UNOWNED_SITE_BIT - 32;
const GRACE_MS = 100;
const NOBODY: FoundOwner = {
  found: CLAIM.CLAIM_NOBODY,
  owner: NO_OWNER,
};

/**
 * Dropped packets that came with no socket, on the owner of the socket that has their address: the
 * receiver's connection or, without one, who listens there, else a sender in the same namespace, else
 * the host. A row is read again until it is {@link GRACE_MS} since its first reading, and then deleted: a program that
 * was still adding to it when its bank was closed has ended by then, also where its CPU was taken away meanwhile.
 */
export class UnownedSums {
  readonly #parts: UnownedParts;
  /** What rows held when they were read, and when that was first. */
  readonly #memories = new Map<string, { readonly memory: RowMemory; readonly sinceMs: number }>();

  constructor(parts: UnownedParts) {
    this.#parts = parts;
  }

  /** Rows were read that are to be read once more. */
  get hasRows(): boolean {
    return this.#memories.size > 0;
  }

  /** After every pass that looked for owners. */
  settle({ drops, listenEnds, bank, pass }: ClaimedDrops): void {
    const { context } = this.#parts;
    const nowMs = this.#parts.nowMs();
    const ends = new ListenEnds(listenEnds, pass, (view, offset) => context.ownerAt(view, offset));
    for (const key of ends.stale) this.#parts.delete('listen_ends', key);
    for (const row of rowsOf(drops)) {
      const rowBank = row.keys.getUint32(row.keyAt + UNOWNED_KEY.bank, true);
      if (rowBank > bank) continue;
      const { id } = row;
      const known = this.#memories.get(id) ?? {
        memory: new RowMemory(UNOWNED_DROP.size >> 3),
        sinceMs: nowMs,
      };
      this.#add(new UnownedRow(row), known.memory, ends);
      if (nowMs - known.sinceMs < GRACE_MS) {
        this.#memories.set(id, known);
        continue;
      }
      this.#parts.delete('unowned_drops', row.key());
      this.#memories.delete(id);
    }
  }

  #add(row: UnownedRow, memory: RowMemory, ends: ListenEnds): void {
    const { context, details } = this.#parts;
    const wantsPort = context.optIn.has(ATTR_SERVER_PORT);
    for (let slot = 0; slot < UNOWNED_DROP_LENGTH.counts; slot += 1) {
      const { what, gained } = row.slot(slot, memory);
      if (gained <= 0 || !context.isOn(METRIC_PACKET_DROPPED)) continue;
      const found = this.#ownerOf(row, (what.flags & RECEIVED) !== 0, ends);
      const resource = this.#resourceOf(found);
      if (resource === undefined) continue;
      const attributes = details.attributes({
        reason: what.reason,
        family: row.family,
        state: (what.flags >>> STATE_SHIFT) & STATE_MASK,
        serverPort: wantsPort && found.found === CLAIM.CLAIM_OWNED ? (found.serverPort ?? 0) : 0,
        site: what.flags >>> SITE_SHIFT,
      });
      context.sink.add(METRIC_PACKET_DROPPED, resource, attributes, gained);
    }
  }

  /** Undefined: not to be observed. */
  #resourceOf({ found, owner }: FoundOwner): ObservedResource | undefined {
    const { context } = this.#parts;
    if (found === CLAIM.CLAIM_IGNORED) return undefined;
    return found === CLAIM.CLAIM_NOBODY ? context.host() : context.resolve(owner);
  }

  #ownerOf(row: UnownedRow, isReceived: boolean, ends: ListenEnds): FoundOwner {
    const { context, isLocal } = this.#parts;
    const claimed = (offset: number): FoundOwner | undefined => row.claimed(offset, context);
    if (!isReceived) return claimed(UNOWNED_DROP.sender) ?? ends.find(row.source, () => true) ?? NOBODY;
    const to = row.destination;
    return (
      claimed(UNOWNED_DROP.receiver) ??
      ends.find(to, (owner) => isLocal(to, owner)) ??
      claimed(UNOWNED_DROP.sender) ??
      NOBODY
    );
  }
}

/** Owners whose drops were not read yet, as `processId`. */
export function* claimersOf(drops: MapImage): Generator<string> {
  for (const { values, valueAt } of rowsOf(drops)) {
    for (const end of [valueAt + UNOWNED_DROP.receiver, valueAt + UNOWNED_DROP.sender]) {
      if (values.getUint32(end + UNOWNED_END.found, true) !== CLAIM.CLAIM_OWNED) continue;
      yield processIdAt(values, end + UNOWNED_END.owner);
    }
  }
}

/** One row of `unowned_drops`. */
class UnownedRow {
  readonly #image: MapImage;
  readonly #key: DataView;
  readonly #value: DataView;
  readonly #cells: Cells;
  readonly #at: number;

  constructor({ image, keys, keyAt, values, valueAt }: MapRow) {
    this.#image = image;
    this.#at = keyAt;
    this.#key = new DataView(keys.buffer, keys.byteOffset + keyAt, image.keySize);
    this.#value = new DataView(values.buffer, values.byteOffset + valueAt, image.stride);
    this.#cells = new Cells(image.values).moveTo(valueAt);
  }

  get family(): number {
    return this.#key.getUint8(UNOWNED_KEY.family);
  }

  get source(): PacketEnd {
    return this.#end(UNOWNED_KEY.source, UNOWNED_KEY.source_port);
  }

  get destination(): PacketEnd {
    return this.#end(UNOWNED_KEY.destination, UNOWNED_KEY.destination_port);
  }

  #end(addressAt: number, portAt: number): PacketEnd {
    const from = this.#at + addressAt;
    return {
      netns: this.#key.getUint32(UNOWNED_KEY.netns, true),
      family: this.family,
      address: this.#image.keys.subarray(from, from + UNOWNED_KEY_LENGTH.source),
      port: this.#key.getUint16(portAt, true),
    };
  }

  claimed(offset: number, context: SumsContext): FoundOwner | undefined {
    const found = this.#value.getUint32(offset + UNOWNED_END.found, true);
    if (found === CLAIM.CLAIM_NOBODY) return undefined;
    const serverPort = this.#value.getUint16(offset + UNOWNED_END.server_port, true);
    return { found, owner: context.ownerAt(this.#value, offset + UNOWNED_END.owner), serverPort };
  }

  slot(index: number, memory: RowMemory): { what: { reason: number; flags: number }; gained: number } {
    const from = UNOWNED_DROP.counts + index * UNOWNED_COUNT.size;
    const reason = this.#value.getUint32(from + UNOWNED_COUNT.what, true);
    const flags = this.#value.getUint32(from + UNOWNED_COUNT.what + 4, true);
    return { what: { reason, flags }, gained: memory.gain(this.#cells, from + UNOWNED_COUNT.count) };
  }
}
