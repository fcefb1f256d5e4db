import { readFileSync } from 'node:fs';

/** Text symbols of the kernel, sorted by address: some 10 MB, so read at the first question only. */
export class KernelSymbols {
  readonly #path: string;
  #addresses: BigUint64Array | undefined;
  #names: string[] = [];

  constructor(path = '/proc/kallsyms') {
    this.#path = path;
  }

  /** The function that holds the address; undefined when the kernel hides its addresses or has none there. */
  functionAt(address: bigint): string | undefined {
    const addresses = (this.#addresses ??= this.#load());
    let low = 0;
    let high = addresses.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((addresses[middle] ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#names[low - 1];
  }

  #load(): BigUint64Array {
    const rows: { address: bigint; name: string }[] = [];
    for (const line of readText(this.#path).split('\n')) {
      const match = /^([0-9a-f]+) [tTwW] (\S+)/.exec(line);
      const address = BigInt(`0x${match?.[1] ?? '0'}`);
      if (address !== 0n) rows.push({ address, name: match?.[2] ?? '' });
    }
    rows.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    this.#names = rows.map(({ name }) => name);
    return BigUint64Array.from(rows, ({ address }) => address);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
