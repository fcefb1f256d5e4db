import { readFileSync } from 'node:fs';

/** Addresses remembered with their function; drops come from few places. */
const MAX_KNOWN = 4_096;

/** Addresses between which code lies: the first is its own, the second is not. */
export interface Code {
  readonly from: bigint;
  readonly to: bigint;
}

export interface KernelSymbolsFiles {
  readonly symbols?: string;
  readonly modules?: string;
}

/**
 * Text symbols of the kernel, sorted by address: some 10 MB, so read at the first question only, and again for an
 * address that was not asked for before when modules came or went since.
 */
export class KernelSymbols {
  readonly #files: Required<KernelSymbolsFiles>;
  readonly #known = new Map<bigint, string | undefined>();
  #modules: string | undefined;
  #addresses = new BigUint64Array(0);
  #names: string[] = [];

  constructor({ symbols = '/proc/kallsyms', modules = '/proc/modules' }: KernelSymbolsFiles = {}) {
    this.#files = { symbols, modules };
  }

  /** The function that holds the address; undefined when the kernel hides its addresses or has none there. */
  functionAt(address: bigint): string | undefined {
    if (this.#known.has(address)) return this.#known.get(address);
    this.#refresh();
    const name = this.#find(address);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(address, name);
    return name;
  }

  /** From one symbol to another or, without that, to the next one; undefined when one is not there, or twice. */
  codeOf(first: string, last?: string): Code | undefined {
    this.#refresh();
    const from = this.#addressOf(first);
    if (from === undefined) return undefined;
    const to = last === undefined ? this.#addresses.find((address) => address > from) : this.#addressOf(last);
    return to === undefined ? undefined : { from, to };
  }

  #addressOf(name: string): bigint | undefined {
    const index = this.#names.indexOf(name);
    return this.#names.includes(name, index + 1) ? undefined : this.#addresses[index];
  }

  #find(address: bigint): string | undefined {
    let low = 0;
    let high = this.#addresses.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#addresses[middle] ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#names[low - 1];
  }

  /** A module that is not known would be taken for what lies before it. */
  #refresh(): void {
    const modules = namesAndPlaces(readText(this.#files.modules));
    if (modules === this.#modules) return;
    this.#modules = modules;
    this.#known.clear();
    const rows: { address: bigint; name: string }[] = [];
    for (const line of readText(this.#files.symbols).split('\n')) {
      const match = /^([0-9a-f]+) [tTwW] (\S+)/.exec(line);
      const address = BigInt(`0x${match?.[1] ?? '0'}`);
      if (address !== 0n) rows.push({ address, name: match?.[2] ?? '' });
    }
    rows.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    this.#names = rows.map(({ name }) => name);
    this.#addresses = BigUint64Array.from(rows, ({ address }) => address);
  }
}

/** Without the counts of users, which change all the time. */
function namesAndPlaces(modules: string): string {
  return modules.replace(/^(\S+) (\S+) .* (0x[0-9a-f]+)\b.*$/gm, '$1 $2 $3');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
