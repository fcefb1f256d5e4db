import { HUFFMAN_LENGTHS, STATIC_TABLE } from './hpack-tables.ts';

/** What RFC 7541 calls a decoding error: the table can't be told from here on. */
export class HpackError extends Error {}

/** Every entry counts this much beside its bytes: section 4.1. */
const ENTRY_BYTES = 32;
/** The size of the dynamic table unless the encoder says another. */
const DEFAULT_TABLE_BYTES = 4_096;
/** More digits than any length here has. */
const MAX_INTEGER = 2 ** 24;

/** What is kept of an entry: its value only when it is of the field that is asked for. */
interface Entry {
  readonly size: number;
  readonly nameLength: number;
  /** Undefined: another field's. */
  readonly value: string | undefined;
}

/** A string in a block: how many octets it says, and its text when that was asked for. */
interface Text {
  readonly length: number;
  readonly text: string;
}

/** Two numbers a node: the next one by bit, or `~symbol` at the end of a code. */
const huffmanTree = makeTree();

function makeTree(): Int32Array {
  const tree = new Int32Array(2 * HUFFMAN_LENGTHS.length);
  let nodes = 1;
  let code = 0;
  const symbols = [...HUFFMAN_LENGTHS.keys()].sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  let bits = lengthOf(symbols[0] ?? 0);
  for (const symbol of symbols) {
    code *= 2 ** (lengthOf(symbol) - bits);
    bits = lengthOf(symbol);
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit -= 1) {
      const at = 2 * node + ((code >>> bit) & 1);
      if (tree[at] === 0) tree[at] = nodes++;
      node = tree[at] ?? 0;
    }
    tree[2 * node + (code & 1)] = ~symbol;
    code += 1;
  }
  return tree;
}

function lengthOf(symbol: number): number {
  return HUFFMAN_LENGTHS[symbol] ?? 0;
}

/**
 * Decodes the header blocks of one direction of one connection, in their order (RFC 7541), and gives the values of one
 * field. Of all other fields it keeps no more than their size. After an error it is of no use.
 */
export class HpackDecoder {
  readonly #name: string;
  readonly #maxTableBytes: number;
  /** Newest first. */
  readonly #entries: Entry[] = [];
  #tableBytes = 0;
  #limit = DEFAULT_TABLE_BYTES;
  #block: Uint8Array = new Uint8Array();
  #at = 0;

  /** `name` in lower case. `maxTableBytes`: the most that the encoder may ask for. */
  constructor(name: string, maxTableBytes: number) {
    this.#name = name;
    this.#maxTableBytes = maxTableBytes;
  }

  /** The size of the dynamic table, as section 4.1 counts it. */
  get tableBytes(): number {
    return this.#tableBytes;
  }

  /**
   * The values of the field in a whole block.
   * @throws HpackError
   */
  decode(block: Uint8Array): string[] {
    this.#block = block;
    this.#at = 0;
    const values: string[] = [];
    let mayResize = true;
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if ((first & 0xe0) === 0x20) {
        if (!mayResize) throw new HpackError('the table changes its size within a block');
        this.#resize(this.#integer(5));
        continue;
      }
      mayResize = false;
      const value = (first & 0x80) !== 0 ? this.#indexed() : this.#literal(first);
      if (value !== undefined) values.push(value);
    }
    this.#block = new Uint8Array();
    return values;
  }

  #indexed(): string | undefined {
    const index = this.#integer(7);
    const fixed = STATIC_TABLE[index - 1];
    if (fixed !== undefined) return fixed[0] === this.#name ? fixed[1] : undefined;
    return this.#entryAt(index).value;
  }

  #literal(first: number): string | undefined {
    const isKept = (first & 0x40) !== 0;
    const index = this.#integer(isKept ? 6 : 4);
    const name = index === 0 ? this.#newName() : this.#nameAt(index);
    const { length, text } = this.#string(name.isWanted);
    const value = name.isWanted ? text : undefined;
    if (isKept) this.#add({ size: name.length + length + ENTRY_BYTES, nameLength: name.length, value });
    return value;
  }

  #newName(): { length: number; isWanted: boolean } {
    const { length, text } = this.#string(true);
    if (length === 0) throw new HpackError('a name is empty');
    return { length, isWanted: text === this.#name };
  }

  #nameAt(index: number): { length: number; isWanted: boolean } {
    const fixed = STATIC_TABLE[index - 1];
    if (fixed !== undefined) return { length: fixed[0].length, isWanted: fixed[0] === this.#name };
    const { nameLength, value } = this.#entryAt(index);
    return { length: nameLength, isWanted: value !== undefined };
  }

  #entryAt(index: number): Entry {
    const entry = index === 0 ? undefined : this.#entries[index - 1 - STATIC_TABLE.length];
    if (entry === undefined) throw new HpackError('an index that no field has');
    return entry;
  }

  #add(entry: Entry): void {
    this.#makeRoom(entry.size);
    if (entry.size > this.#limit) return;
    this.#entries.unshift(entry);
    this.#tableBytes += entry.size;
  }

  #makeRoom(bytes: number): void {
    while (this.#entries.length > 0 && this.#tableBytes + bytes > this.#limit) {
      this.#tableBytes -= this.#entries.pop()?.size ?? 0;
    }
  }

  #resize(limit: number): void {
    if (limit > this.#maxTableBytes) throw new HpackError('the table is too large');
    this.#limit = limit;
    this.#makeRoom(0);
  }

  /** Section 5.1. */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (value > MAX_INTEGER || shift > 28) throw new HpackError('a number is too large');
      if ((byte & 0x80) === 0) return value;
    }
  }

  #byte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new HpackError('the block ends within a field');
    this.#at += 1;
    return byte;
  }

  /** Section 5.2. The text of a field that is not asked for is not made. */
  #string(isWanted: boolean): Text {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new HpackError('the block ends within a string');
    this.#at += length;
    if (isHuffman) return decodeHuffman(bytes, isWanted);
    return { length, text: isWanted ? Buffer.from(bytes).toString('latin1') : '' };
  }
}

/** What is left of the last octet is a part of the code for the end, less than an octet, all ones. */
function decodeHuffman(bytes: Uint8Array, isWanted: boolean): Text {
  let [node, length, text, padding, isOnes] = [0, 0, '', 0, true];
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit -= 1) {
      const one = (byte >>> bit) & 1;
      const next = huffmanTree[2 * node + one] ?? 0;
      padding += 1;
      isOnes &&= one === 1;
      if (next >= 0) {
        node = next;
        continue;
      }
      if (~next > 0xff) throw new HpackError('the end of a string within one');
      length += 1;
      if (isWanted) text += String.fromCharCode(~next);
      [node, padding, isOnes] = [0, 0, true];
    }
  if (padding > 7 || !isOnes) throw new HpackError('a string ends within a code');
  return { length, text };
}
