import type { KernelRecord, OwnerRecord } from '../model/record.ts';
import { OWNER_RECORD, PROBE_ID, RECORD_HEADER, RECORD_KIND, RECORD_READER } from './generated/layout.ts';
import { readOwner, type OwnerTable } from './owners.ts';

/** What decoding met, in records. */
export interface DecodeCounters {
  decoded: number;
  /** Decoded, by probe (`enum probe_id`). */
  readonly received?: number[];
  /** Truncated, of an unknown kind, or with a size that does not fit. */
  bad: number;
}

/** How records of one kind are read. */
export interface RecordDecoder<T extends KernelRecord = KernelRecord> {
  /** Its number of `enum record_kind`. */
  readonly kind: number;
  /** Bytes at least. A longer record is a newer one: its tail is ignored. */
  readonly size: number;
  /** Undefined: what it says has no meaning here. */
  decode(view: DataView, at: number, owners: OwnerTable): T | undefined;
  /** The probe that made it: of `enum probe_id`, as the kernel counts what it submitted. */
  probeOf(record: T): number;
}

/** Decoders by `enum record_kind`. */
export type DecoderTable = readonly (RecordDecoder | undefined)[];

/** The record that is no signal: the kernel met a process. */
const OWNER: RecordDecoder<OwnerRecord> = {
  kind: RECORD_KIND.RECORD_OWNER,
  size: OWNER_RECORD.size,
  probeOf: () => PROBE_ID.PROBE_OWNER,
  decode: (view, at, owners) => {
    const owner = readOwner(view, at + OWNER_RECORD.owner, view, at + OWNER_RECORD.info);
    owners.learn(owner);
    return { kind: 'owner', owner };
  },
};

/** A table of these and of the processes that the kernel meets. */
export function decoderTable(decoders: Iterable<RecordDecoder>): DecoderTable {
  const table: (RecordDecoder | undefined)[] = [];
  for (const decoder of [OWNER as RecordDecoder, ...decoders]) {
    if (table[decoder.kind] !== undefined)
      throw new Error(`records of kind ${String(decoder.kind)} have two decoders`);
    table[decoder.kind] = decoder;
  }
  return table;
}

/**
 * Decodes the records that `drain` laid back to back, each padded to 8 bytes, and
 * hands them on in order. Never throws: what cannot be read is counted, and a
 * size that cannot be trusted ends the batch as one bad record. What was made for views alone is counted,
 * and handed to nobody.
 */
export function decodeWith(
  table: DecoderTable,
  bytes: Uint8Array,
  owners: OwnerTable,
  { counters, handle }: { readonly counters: DecodeCounters; handle(record: KernelRecord): void },
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.byteLength) {
    const size = sizeAt(view, at);
    if (size === undefined) {
      counters.bad += 1;
      return;
    }
    const kind = view.getUint32(at + RECORD_HEADER.kind, true);
    const isForViews = kind >= RECORD_READER.FOR_VIEWS;
    const decoder = table[isForViews ? kind - RECORD_READER.FOR_VIEWS : kind];
    const record =
      decoder !== undefined && size >= decoder.size ? decoder.decode(view, at, owners) : undefined;
    if (decoder === undefined || record === undefined) {
      counters.bad += 1;
    } else {
      counters.decoded += 1;
      countReceived(counters, decoder.probeOf(record));
      if (!isForViews) handle(record);
    }
    at += (size + 7) & ~7;
  }
}

/** The size of the record that begins there; undefined: it cannot be trusted. */
function sizeAt(view: DataView, at: number): number | undefined {
  if (at + RECORD_HEADER.size > view.byteLength) return undefined;
  const size = view.getUint32(at + RECORD_HEADER.bytes, true);
  return size < RECORD_HEADER.size || at + size > view.byteLength ? undefined : size;
}

function countReceived({ received }: DecodeCounters, probe: number): void {
  if (received !== undefined) received[probe] = (received[probe] ?? 0) + 1;
}
