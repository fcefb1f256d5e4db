import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';

/** Addresses that a network namespace takes packets for. */
export interface LocalAddresses {
  /** `address`: 16 bytes, IPv4 in the first four; `family`: 4 or 6. */
  has(address: Uint8Array, family: number): boolean;
  /** Addresses and networks that are remembered for it. */
  readonly count: number;
}

/** The most that is read of a file; `fib_trie` has a router's routes too. What is behind it is not known to be local. */
const MAX_BYTES = 1 << 20;

interface Prefix {
  readonly value: number;
  readonly mask: number;
}

/** Read through a process in the namespace; undefined when it is not (or no more) there. */
export function readLocalAddresses(pid: number, netns: number, root = '/proc'): LocalAddresses | undefined {
  const folder = `${root}/${String(pid)}`;
  try {
    if (readlinkSync(`${folder}/ns/net`) !== `net:[${String(netns)}]`) return undefined;
    const prefixes = localPrefixes(readHead(`${folder}/net/fib_trie`));
    const ipv6 = ipv6Addresses(`${folder}/net/if_inet6`);
    // The pid may have been given out again, to a process elsewhere.
    if (readlinkSync(`${folder}/ns/net`) !== `net:[${String(netns)}]`) return undefined;
    return {
      count: prefixes.length + ipv6.size,
      has: (address, family) =>
        family === 6 ? ipv6.has(Buffer.from(address).toString('hex')) : isIn(prefixes, address),
    };
  } catch {
    return undefined;
  }
}

function isIn(prefixes: readonly Prefix[], address: Uint8Array): boolean {
  const value = new DataView(address.buffer, address.byteOffset).getUint32(0);
  return prefixes.some((prefix) => (value & prefix.mask) >>> 0 === prefix.value);
}

/** `|-- 127.0.0.0` and, in a line below it, `/8 host LOCAL`. */
function localPrefixes(text: string): Prefix[] {
  const found = new Map<string, Prefix>();
  let value = 0;
  for (const line of text.split('\n')) {
    const leaf = /\|-- (\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(line);
    if (leaf !== null) value = leaf.slice(1).reduce((sum, byte) => sum * 256 + Number(byte), 0);
    const length = /^\s+\/(\d+) \w+ LOCAL\b/.exec(line)?.[1];
    if (length === undefined) continue;
    const mask = length === '0' ? 0 : (0xffffffff << (32 - Number(length))) >>> 0;
    found.set(`${String(value)}/${length}`, { value: (value & mask) >>> 0, mask });
  }
  return [...found.values()];
}

/** A line begins with the address, 32 hex digits. No file: no IPv6. */
function ipv6Addresses(path: string): ReadonlySet<string> {
  try {
    return new Set(
      // A copy: what is cut out of the file's text would keep all of it.
      readHead(path)
        .split('\n')
        .map((line) => Buffer.from(line.slice(0, 32), 'latin1').toString('latin1')),
    );
  } catch {
    return new Set();
  }
}

function readHead(path: string): string {
  const bytes = Buffer.allocUnsafe(MAX_BYTES);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    for (let more = 1; more > 0 && length < MAX_BYTES; length += more)
      more = readSync(file, bytes, length, MAX_BYTES - length, null);
    return bytes.toString('latin1', 0, length);
  } finally {
    closeSync(file);
  }
}
