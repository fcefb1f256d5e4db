import { BoundedCache } from '../model/bounded-cache.ts';
import type { ClockSample } from '../model/clock.ts';
import type { MapImage } from '../model/map-image.ts';
import type { RecordingWriter } from './file-writer.ts';
import { ENTRY, STEPS, type StepName } from './format.ts';
import type { AddressMask } from './mask.ts';
import { KnownRows } from './rows.ts';
import type { Answer, Drain, RowQuestion, Tape } from './tape.ts';

/** Answers that are not written again while they stay the same. Who replays keeps more. */
export const REMEMBERED_ANSWERS = 65_536;

/** Takes entries. */
export type EntryWriter = Pick<RecordingWriter, 'add'>;

/** Asks, passes the answer on, and writes it down. */
export class Recorder implements Tape {
  nowNs: bigint;
  readonly #writer: EntryWriter;
  readonly #mask: AddressMask | undefined;
  readonly #steadyNs: () => bigint;
  readonly #answers = new BoundedCache<string, string>(REMEMBERED_ANSWERS);
  readonly #maps = new Map<string, KnownRows>();

  /** `steadyNs`: CLOCK_MONOTONIC; without `mask` addresses are recorded as they are. */
  constructor(writer: EntryWriter, mask: AddressMask | undefined, steadyNs: () => bigint) {
    this.#writer = writer;
    this.#mask = mask;
    this.#steadyNs = steadyNs;
    this.nowNs = steadyNs();
  }

  /** From here on it is this that is done. */
  step(name: StepName): void {
    this.nowNs = this.#steadyNs();
    const body = Buffer.alloc(9);
    body[0] = STEPS.indexOf(name);
    body.writeBigUInt64LE(this.nowNs, 1);
    this.#writer.add(ENTRY.step, body);
  }

  ask<T extends Answer>(question: string, live: () => T | undefined): T | undefined {
    const answer = live();
    this.#note(question, JSON.stringify(answer ?? null));
    return answer;
  }

  #note(question: string, text: string): void {
    if (this.#answers.get(question) === text) return;
    this.#answers.set(question, text);
    const words = Buffer.from(question);
    const length = Buffer.alloc(2);
    length.writeUInt16LE(words.length);
    this.#writer.add(ENTRY.answer, length, words, Buffer.from(text));
  }

  clocks(live: () => ClockSample): ClockSample {
    const sample = live();
    const body = Buffer.alloc(24);
    body.writeBigUInt64LE(sample.monotonicNs, 0);
    body.writeBigUInt64LE(sample.realtimeNs, 8);
    body.writeBigUInt64LE(sample.boottimeNs, 16);
    this.#writer.add(ENTRY.clocks, body);
    return sample;
  }

  drain(live: Drain, handle: (bytes: Uint8Array) => void): number {
    const total = live((bytes) => {
      this.#writer.add(ENTRY.records, Uint8Array.of(0), this.#mask?.records(bytes) ?? bytes);
      handle(bytes);
    });
    this.#writer.add(ENTRY.records, Uint8Array.of(1));
    return total;
  }

  rows(map: string, live: () => MapImage): MapImage {
    const image = live();
    let known = this.#maps.get(map);
    if (known === undefined) this.#maps.set(map, (known = new KnownRows()));
    const shown = this.#mask?.image(map, image) ?? image;
    for (const part of known.difference(map, shown)) this.#writer.add(ENTRY.rows, part);
    return image;
  }

  row(question: RowQuestion, live: () => Uint8Array | undefined): Uint8Array | undefined {
    const value = live();
    const shown = value && (this.#mask?.value(question.map, value) ?? value);
    this.#note(
      rowQuestion(question.map, this.shownKey(question)),
      JSON.stringify(shown ? hexOf(shown) : null),
    );
    return value;
  }

  shownKey({ map, key }: RowQuestion): Uint8Array {
    return this.#mask?.key(map, key) ?? key;
  }

  shownAddress(address: Uint8Array, family: number): Uint8Array {
    return this.#mask?.address(address, family) ?? address;
  }
}

/** What is asked for a row of a map. */
export function rowQuestion(map: string, key: Uint8Array): string {
  return `row ${map} ${hexOf(key)}`;
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
