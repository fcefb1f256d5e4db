/** Records that were made for views alone: the kind of each has a mark. */
import { RECORD_HEADER, RECORD_READER } from '../decode/generated/layout.ts';

/** The kind without the mark. */
export function plainKind(kind: number): number {
  return (kind & ~RECORD_READER.FOR_VIEWS) >>> 0;
}

/** Records that lie back to back, for who is a view: none has the mark any more. */
export function unmarked(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  for (let at = 0; at + RECORD_HEADER.size <= copy.length;) {
    const size = copy.readUInt32LE(at + RECORD_HEADER.bytes);
    if (size < RECORD_HEADER.size || at + size > copy.length) break;
    copy.writeUInt32LE(plainKind(copy.readUInt32LE(at + RECORD_HEADER.kind)), at + RECORD_HEADER.kind);
    at += (size + 7) & ~7;
  }
  return new Uint8Array(copy);
}
