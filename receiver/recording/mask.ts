import { createCipheriv, randomBytes } from 'node:crypto';
import { RECORD_HEADER, RECORD_KIND } from '../decode/generated/layout.ts';
import { plainKind } from './for-views.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { MapImage } from '../model/map-image.ts';
import { KEY_PLACES, RECORD_PLACES, VALUE_PLACES, type AddressPlaces } from './address-places.ts';

const BLOCK = 16;

/** Records that hold what was sent. */
const UNMASKED: ReadonlySet<number> = new Set([RECORD_KIND.RECORD_HTTP2, RECORD_KIND.RECORD_DNS]);
/** Addresses whose masks are remembered. */
const MAX_KNOWN = 65_536;

/**
 * Puts another address in the place of each, the same one in the whole recording. Two that have their first bits in
 * common still have exactly as many in common, so networks stay networks: Crypto-PAn (Xu, Fan, Ammar, Moon 2002) with
 * AES-128. Its key is random, of this recording alone, and kept nowhere. Unspecified and loopback addresses are those of
 * every host, and stay.
 */
export class AddressMask {
  readonly #cipher: ReturnType<typeof createCipheriv>;
  readonly #pad: Buffer;
  readonly #known = new BoundedCache<string, Buffer>(MAX_KNOWN);

  constructor(key: Buffer = randomBytes(2 * BLOCK)) {
    this.#cipher = createCipheriv('aes-128-ecb', key.subarray(0, BLOCK), null).setAutoPadding(false);
    this.#pad = this.#cipher.update(key.subarray(BLOCK));
  }

  /** 16 bytes: of IPv4 the first four count. */
  address(address: Uint8Array, family: number): Buffer {
    const length = family === 6 ? 16 : 4;
    const plain = Buffer.from(address);
    if (isOfEveryHost(plain.subarray(0, length))) return plain;
    const text = `${String(length)}${plain.toString('latin1', 0, length)}`;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const masked = Buffer.from(plain);
    this.#mask(masked.subarray(0, length));
    this.#known.set(text, masked);
    return masked;
  }

  /** Each bit is turned or not as the cipher says of all bits before it. */
  #mask(address: Buffer): void {
    const bits = address.length * 8;
    const questions = Buffer.alloc(bits * BLOCK);
    for (let bit = 0; bit < bits; bit += 1) {
      const question = questions.subarray(bit * BLOCK, (bit + 1) * BLOCK);
      this.#pad.copy(question);
      address.copy(question, 0, 0, bit >> 3);
      const kept = 0xff00 >> (bit & 7);
      const at = bit >> 3;
      question[at] = ((address[at] ?? 0) & kept & 0xff) | ((this.#pad[at] ?? 0) & ~kept & 0xff);
    }
    const answers = this.#cipher.update(questions);
    for (let bit = 0; bit < bits; bit += 1) {
      const turn = (answers[bit * BLOCK] ?? 0) >> 7;
      address[bit >> 3] = (address[bit >> 3] ?? 0) ^ (turn << (7 - (bit & 7)));
    }
  }

  /** A copy of records that lie back to back. What was written over HTTP/2, and what name servers answered, is left out: it may hold addresses. */
  records(bytes: Uint8Array): Uint8Array {
    const copy = Buffer.from(bytes);
    let kept = 0;
    for (let at = 0; at + RECORD_HEADER.size <= copy.length;) {
      const size = copy.readUInt32LE(at + RECORD_HEADER.bytes);
      if (size < RECORD_HEADER.size || at + size > copy.length) break;
      const kind = plainKind(copy.readUInt32LE(at + RECORD_HEADER.kind));
      const end = Math.min(copy.length, at + ((size + 7) & ~7));
      if (!UNMASKED.has(kind)) {
        const places = RECORD_PLACES[kind];
        if (places !== undefined) this.#replace(copy, at, places);
        copy.copyWithin(kept, at, end);
        kept += end - at;
      }
      at = end;
    }
    return copy.subarray(0, kept);
  }

  #replace(bytes: Buffer, at: number, { addresses, family }: AddressPlaces): void {
    for (const offset of addresses) {
      const place = bytes.subarray(at + offset, at + offset + 16);
      this.address(place, bytes[at + family] ?? 0).copy(place);
    }
  }

  key(map: string, key: Uint8Array): Uint8Array {
    const places = KEY_PLACES[map];
    if (places === undefined) return key;
    const copy = Buffer.from(key);
    this.#replace(copy, 0, places);
    return copy;
  }

  /** Which family it is of is not in it: addresses of IPv4 have nothing after their fourth byte. */
  value(map: string, value: Uint8Array): Uint8Array {
    const places = VALUE_PLACES[map];
    if (places === undefined) return value;
    const copy = Buffer.from(value);
    for (const at of places) {
      const place = copy.subarray(at, at + 16);
      this.address(place, place.subarray(4).some((byte) => byte !== 0) ? 6 : 4).copy(place);
    }
    return copy;
  }

  image(map: string, image: MapImage): MapImage {
    if (KEY_PLACES[map] === undefined && VALUE_PLACES[map] === undefined) return image;
    const { count, keySize, stride } = image;
    const keys = Buffer.from(image.keys);
    const values = Buffer.from(image.values);
    for (let i = 0; i < count; i += 1) {
      keys.set(this.key(map, keys.subarray(i * keySize, (i + 1) * keySize)), i * keySize);
      values.set(this.value(map, values.subarray(i * stride, (i + 1) * stride)), i * stride);
    }
    return { count, keys, values, keySize, stride };
  }
}

/** Unspecified, 127.0.0.0/8, ::1. */
function isOfEveryHost(address: Buffer): boolean {
  if (address.length === 4 && address[0] === 127) return true;
  return address.subarray(0, -1).every((byte) => byte === 0) && (address.at(-1) ?? 0) <= 1;
}
