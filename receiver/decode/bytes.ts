/** Reads little-endian integers and text out of kernel memory images. */

const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
if (!isLittleEndian) throw new Error('wirespan runs on little-endian machines only');

/** A NUL-padded field as text. */
export function readText(view: DataView, offset: number, length: number): string {
  let end = 0;
  while (end < length && view.getUint8(offset + end) !== 0) end += 1;
  return Buffer.from(view.buffer, view.byteOffset + offset, end).toString('utf8');
}

/** Lower-case hex digits of `length` bytes. */
export function readHex(view: DataView, offset: number, length: number): string {
  return Buffer.from(view.buffer, view.byteOffset + offset, length).toString('hex');
}

/** Texts of IPv4 addresses, by the last byte: the same few addresses are in most records. */
const MEMO_SLOTS = 256;
const memoAddresses = new Uint32Array(MEMO_SLOTS);
const memoTexts = new Array<string>(MEMO_SLOTS).fill('0.0.0.0');

function readIpv4(view: DataView, offset: number): string {
  const address = view.getUint32(offset, false);
  const slot = address % MEMO_SLOTS;
  if (memoAddresses[slot] !== address) {
    memoAddresses[slot] = address;
    memoTexts[slot] = Array.from({ length: 4 }, (_, i) => view.getUint8(offset + i)).join('.');
  }
  return memoTexts[slot] ?? '';
}

/** An address of `family` as text; RFC 5952 for IPv6. */
export function readAddress(view: DataView, offset: number, family: number): string {
  if (family !== 6) return readIpv4(view, offset);
  const groups: number[] = [];
  for (let i = 0; i < 8; i += 1) groups.push(view.getUint16(offset + 2 * i, false));
  return compress(groups);
}

/** RFC 5952 section 4: the longest run of zero groups, two at least, becomes `::`. */
function compress(groups: readonly number[]): string {
  let best = { start: 0, length: 1 };
  for (let i = 0; i < 8; i += 1) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length += 1;
    if (length > best.length) best = { start: i, length };
    if (length > 0) i += length;
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  if (best.length < 2) return text(0, 8);
  return `${text(0, best.start)}::${text(best.start + best.length, 8)}`;
}
