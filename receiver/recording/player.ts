import { BoundedCache } from '../model/bounded-cache.ts';
import type { ClockSample } from '../model/clock.ts';
import type { MapImage } from '../model/map-image.ts';
import { ENTRY, STEPS, type Entry, type StepName } from './format.ts';
import type { RecordingMeta } from './meta.ts';
import { REMEMBERED_ANSWERS, rowQuestion } from './recorder.ts';
import { Growth } from './layouts.ts';
import { decodeRows, KnownRows, type RowChanges } from './rows.ts';
import type { Answer, Drain, RowQuestion, Tape } from './tape.ts';

/** Who recorded remembers fewer, so it is there what was not written again. */
const KEPT_ANSWERS = 4 * REMEMBERED_ANSWERS;
/** More maps than there are. */
const MAX_MAPS = 1_000;
const NO_CLOCKS: ClockSample = { monotonicNs: 0n, realtimeNs: 0n, boottimeNs: 0n };
const NO_ROWS: MapImage = {
  count: 0,
  keys: new Uint8Array(64),
  values: new Uint8Array(64),
  keySize: 8,
  stride: 8,
};

/** Something that was done when it was recorded. */
export interface Step {
  readonly name: StepName;
  /** CLOCK_MONOTONIC. */
  readonly atNs: bigint;
}

/** Where entries come from: a file, or what runs. */
export interface EntrySource {
  readonly meta: Pick<RecordingMeta, 'layouts'>;
  /** One that has nothing for now may be asked again. */
  entries(): Iterator<Entry, undefined>;
  /** What was read cannot be what was recorded. */
  refuse(): void;
}

/** Bytes of one reading of the ring. */
type Batches = Uint8Array[];

/**
 * Answers with what was recorded. In a step each question gets the answers that it got then, in their order; one that was
 * not asked then gets the last answer that is known.
 */
export class Player implements Tape {
  nowNs = 0n;
  readonly #reader: EntrySource;
  readonly #entries: Iterator<Entry, undefined>;
  readonly #growth: Growth;
  /** The step that the last call read up to. */
  #next: Step | undefined;
  readonly #known = new BoundedCache<string, string>(KEPT_ANSWERS);
  readonly #maps = new Map<string, KnownRows>();
  #clocks = NO_CLOCKS;
  #answersNow = new Map<string, string[]>();
  #rowsNow = new Map<string, RowChanges[]>();
  #clocksNow: ClockSample[] = [];
  #drainsNow: Batches[] = [];
  #batches: Batches = [];

  constructor(reader: EntrySource) {
    this.#reader = reader;
    this.#entries = reader.entries();
    this.#growth = new Growth(reader.meta.layouts);
    this.#next = this.#readStep();
  }

  /** What was done next; undefined: nothing, and `problem` of the reader says whether that is all. */
  step(): Step | undefined {
    this.#settle();
    const step = this.#next ?? this.#readStep();
    if (step === undefined) return undefined;
    this.nowNs = step.atNs;
    this.#next = this.#readStep();
    return step;
  }

  /** What nobody asked for in the step before is known from now on. */
  #settle(): void {
    for (const [question, answers] of this.#answersNow) {
      const last = answers.at(-1);
      if (last !== undefined) this.#known.set(question, last);
    }
    for (const [map, changes] of this.#rowsNow) for (const each of changes) this.#apply(map, each);
    this.#clocks = this.#clocksNow.at(-1) ?? this.#clocks;
    this.#answersNow = new Map();
    this.#rowsNow = new Map();
    this.#clocksNow = [];
    this.#drainsNow = [];
  }

  /** Takes up all up to the next step; undefined: there is none. */
  #readStep(): Step | undefined {
    for (;;) {
      const { value: entry } = this.#entries.next();
      if (entry === undefined) {
        this.#closeDrain();
        return undefined;
      }
      const step = entry.kind === ENTRY.step ? stepOf(entry.body) : undefined;
      if (step !== undefined) return step;
      if (this.#take(entry)) continue;
      this.#reader.refuse();
      return undefined;
    }
  }

  /** False: it is nothing that can be recorded. */
  #take({ kind, body }: Entry): boolean {
    switch (kind) {
      case ENTRY.clocks:
        return this.#takeClocks(body);
      case ENTRY.records:
        return this.#takeRecords(body);
      case ENTRY.rows:
        return this.#takeRows(body);
      case ENTRY.answer:
        return this.#takeAnswer(body);
      default:
        return false;
    }
  }

  #takeClocks(body: Uint8Array): boolean {
    if (body.length !== 24) return false;
    const view = new DataView(body.buffer, body.byteOffset);
    this.#clocksNow.push({
      monotonicNs: view.getBigUint64(0, true),
      realtimeNs: view.getBigUint64(8, true),
      boottimeNs: view.getBigUint64(16, true),
    });
    return true;
  }

  #takeRecords(body: Uint8Array): boolean {
    if (body.length === 0) return false;
    // Records are read as they lie, and those of a ring begin at a multiple of eight.
    if (body.length > 1) this.#batches.push(this.#growth.records(body.slice(1)));
    if (body[0] === 1) this.#closeDrain();
    return true;
  }

  #closeDrain(): void {
    this.#drainsNow.push(this.#batches);
    this.#batches = [];
  }

  #takeRows(body: Uint8Array): boolean {
    const changes = decodeRows(body);
    if (changes === undefined) return false;
    append(this.#rowsNow, changes.map, this.#growth.rows(changes));
    return true;
  }

  #takeAnswer(body: Uint8Array): boolean {
    if (body.length < 2) return false;
    const end = 2 + ((body[0] ?? 0) | ((body[1] ?? 0) << 8));
    if (end > body.length) return false;
    const text = Buffer.from(body.subarray(end)).toString('utf8');
    append(this.#answersNow, Buffer.from(body.subarray(2, end)).toString('utf8'), text);
    return isJson(text);
  }

  #apply(map: string, changes: RowChanges): void {
    let known = this.#maps.get(map);
    if (known === undefined) this.#maps.set(map, (known = new KnownRows()));
    if (!known.apply(changes) || this.#maps.size > MAX_MAPS) this.#reader.refuse();
  }

  ask<T extends Answer>(question: string): T | undefined {
    const answer = this.#answerTo(question);
    return answer === undefined ? undefined : ((JSON.parse(answer) as T | null) ?? undefined);
  }

  /** In JSON; undefined: it was never asked. */
  #answerTo(question: string): string | undefined {
    const answers = this.#answersNow.get(question);
    const answer = answers?.shift() ?? this.#known.get(question);
    if (answer !== undefined && answers?.length === 0) this.#known.set(question, answer);
    return answer;
  }

  clocks(): ClockSample {
    this.#clocks = this.#clocksNow.shift() ?? this.#clocks;
    return this.#clocks;
  }

  drain(_live: Drain, handle: (bytes: Uint8Array) => void): number {
    let total = 0;
    for (const bytes of this.#drainsNow.shift() ?? []) {
      total += bytes.length;
      handle(bytes);
    }
    return total;
  }

  /** Everything that was read of the ring in this step. */
  drainAll(handle: (bytes: Uint8Array) => void): void {
    while (this.#drainsNow.length > 0) this.drain(() => 0, handle);
  }

  rows(map: string): MapImage {
    const waiting = this.#rowsNow.get(map);
    for (let isLast = false; !isLast;) {
      const changes = waiting?.shift();
      if (changes !== undefined) this.#apply(map, changes);
      isLast = changes?.isLast ?? true;
    }
    return this.#maps.get(map)?.image ?? NO_ROWS;
  }

  row({ map, key }: RowQuestion): Uint8Array | undefined {
    const answer = this.#answerTo(rowQuestion(map, key));
    if (answer === undefined) return this.#maps.get(map)?.value(key);
    const hex = JSON.parse(answer) as string | null;
    return hex === null ? undefined : Buffer.from(hex, 'hex');
  }

  shownKey({ key }: RowQuestion): Uint8Array {
    return key;
  }

  shownAddress(address: Uint8Array): Uint8Array {
    return address;
  }
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function stepOf(body: Uint8Array): Step | undefined {
  const name = STEPS[body[0] ?? STEPS.length];
  if (name === undefined || body.length !== 9) return undefined;
  return { name, atNs: new DataView(body.buffer, body.byteOffset).getBigUint64(1, true) };
}
