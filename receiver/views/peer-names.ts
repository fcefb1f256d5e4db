import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type dnsPacket from 'dns-packet';
import { outsideText } from '../../text/index.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { DnsAnswerRecord } from '../model/dns-answer.ts';

/** Longest name, RFC 1035 section 2.3.4. */
const MAX_NAME_CHARS = 255;

let library: typeof dnsPacket | undefined;

/** By which name an address was asked for last, on the whole host, as name servers answered. */
export class PeerNames {
  readonly #names: BoundedCache<string, string>;
  #tooLong = 0;
  #unreadable = 0;

  /** `bound`: addresses whose names are remembered. */
  constructor(bound: number) {
    this.#names = new BoundedCache(bound);
  }

  add({ message }: DnsAnswerRecord): void {
    if (message === undefined) {
      this.#tooLong += 1;
      return;
    }
    // Whoever asks for no names does not wait for it.
    library ??= createRequire(import.meta.url)('dns-packet') as typeof dnsPacket;
    try {
      this.#note(library.decode(Buffer.from(message.buffer, message.byteOffset, message.length)));
    } catch {
      this.#unreadable += 1;
    }
  }

  /** The name that was asked for is the process's own: what it is an alias of is not. */
  #note({ questions = [], answers = [] }: dnsPacket.DecodedPacket): void {
    const [question] = questions;
    if (question === undefined) return;
    const name = outsideText(question.name, MAX_NAME_CHARS);
    for (const answer of answers) {
      if (answer.type !== 'A' && answer.type !== 'AAAA') continue;
      // The library makes an address of one that is cut, too.
      if (isIP(answer.data) === 0) throw new RangeError('an address is cut');
      this.#names.set(answer.data, name);
    }
  }

  /** Undefined: nobody asked for one that has this address, or it made room. */
  of(address: string): string | undefined {
    return this.#names.get(address);
  }

  /** What its bounds left out, in words. */
  notes(): string[] {
    const { evictions } = this.#names;
    return [
      ...(this.#tooLong === 0
        ? []
        : [`${String(this.#tooLong)} answers of name servers were too long to be read`]),
      ...(this.#unreadable === 0
        ? []
        : [`${String(this.#unreadable)} answers of name servers cannot be read`]),
      ...(evictions === 0 ? [] : [`names of ${String(evictions)} addresses made room for newer ones`]),
    ];
  }
}
