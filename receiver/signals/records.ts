import { decoderTable, decodeWith, type DecodeCounters } from '../decode/batch.ts';
import type { OwnerTable } from '../decode/owners.ts';
import type { KernelRecord } from '../model/record.ts';
import { FAMILIES } from './index.ts';

const DECODERS = decoderTable(FAMILIES.flatMap(({ records = [] }) => records));

/** Decodes a batch of records of all families; see `decodeWith`. */
export function decodeBatch(
  bytes: Uint8Array,
  owners: OwnerTable,
  counters: DecodeCounters,
  handle: (record: KernelRecord) => void,
): void {
  decodeWith(DECODERS, bytes, owners, { counters, handle });
}
