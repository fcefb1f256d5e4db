import { BoundedCache } from '../model/bounded-cache.ts';
import { readLocalAddresses, type LocalAddresses } from './local-address-reader.ts';

/** Answers remembered between two collections. */
const MAX_ANSWERS = 256;
/** Addresses and networks in them together, some 80 bytes each; an answer counts as 256 at least. */
const MAX_ADDRESSES = 65_536;

interface Answer {
  readonly addresses: LocalAddresses | undefined;
}

function createAnswers(): BoundedCache<string, Answer> {
  return new BoundedCache(MAX_ADDRESSES, undefined, ({ addresses }) =>
    Math.max(MAX_ADDRESSES / MAX_ANSWERS, addresses?.count ?? 0),
  );
}

/** What was read since the last `clear`. */
export class LocalAddressCache {
  #answers = createAnswers();
  readonly #read: typeof readLocalAddresses;

  constructor(read: typeof readLocalAddresses = readLocalAddresses) {
    this.#read = read;
  }

  /** The addresses of a namespace, read through this process or, where it is the agent's own, through the agent. */
  of(netns: number, pid: number): LocalAddresses | undefined {
    const key = `${String(netns)}:${String(pid)}`;
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = { addresses: this.#read(pid, netns) ?? this.#read(process.pid, netns) };
      this.#answers.set(key, answer);
    }
    return answer.addresses;
  }

  clear(): void {
    this.#answers = createAnswers();
  }
}
