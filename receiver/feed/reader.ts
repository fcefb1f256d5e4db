import type { Socket } from 'node:net';
import type { KernelNames } from '../model/record.ts';
import { encodeBlock, EntryBuffer } from '../recording/blocks.ts';
import { BLOCK, fileHeader } from '../recording/format.ts';
import type { RecordingEnd, RecordingMeta } from '../recording/meta.ts';
import { Recorder } from '../recording/recorder.ts';
import { nameNumbers, tapedNames } from '../recording/taped-kernel.ts';
import type { FoundListeners, Look, RecordChoice } from './choice.ts';
import { FeedGains } from './gains.ts';
import { answerLine, ASKED, FEED_END, type GreetingSums } from './protocol.ts';

/** A block is made when it has so much, unpacked. */
const BLOCK_BYTES = 256 << 10;
const FIRST_BLOCK_BYTES = 16 << 10;
/** Who was cut off has so long to read why. */
const CUT_OFF_MS = 60_000;

/** What an agent tells all that read from it. */
export interface FeedState {
  /** Records that the kernel had no room for, since the agent began. */
  readonly lost: number;
  /** Rules of its filter. */
  readonly rules: number;
}

export interface FeedReaderParts {
  readonly socket: Socket;
  readonly choice: RecordChoice;
  readonly names: KernelNames;
  /** Bytes that may wait for it, as they are sent. */
  readonly maxWaitingBytes: number;
  /** It was cut off: what it asked for is asked for no more. */
  onSlow(): void;
}

/** A view that reads: a recording that goes on until one of the two has enough. */
export class FeedReader {
  readonly choice: RecordChoice;
  /** Given what metrics gained. */
  readonly gains: FeedGains;
  readonly #parts: FeedReaderParts;
  readonly #entries = new EntryBuffer(FIRST_BLOCK_BYTES);
  readonly #recorder: Recorder;
  readonly #names: KernelNames;
  /** Listeners that it was not told of yet, and the pass that met them. */
  #found: (FoundListeners & Pick<Look, 'pass'>) | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #isEnded = false;
  #seen = 0;

  constructor(parts: FeedReaderParts, meta: RecordingMeta, state: FeedState) {
    this.#parts = parts;
    this.choice = parts.choice;
    this.gains = new FeedGains(parts.choice.greeting);
    const add = (kind: number, ...bytes: readonly Uint8Array[]): void => this.#entries.add(kind, bytes);
    this.#recorder = new Recorder({ add }, undefined, () => process.hrtime.bigint());
    this.#names = tapedNames(this.#recorder, parts.names);
    this.#push(Buffer.from(answerLine(undefined)));
    this.#push(fileHeader());
    this.#push(encodeBlock(BLOCK.meta, Buffer.from(JSON.stringify(meta))));
    this.#recorder.step('start');
    this.tell(state);
    this.flush();
  }

  /** Nothing more is sent to it. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Absent: it shows records alone. */
  get sums(): GreetingSums | undefined {
    return this.choice.greeting.sums;
  }

  /** Records that lie back to back, as the kernel made them. */
  records(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    const chosen = this.choice.of(bytes);
    if (chosen.length === 0) return;
    this.#seen += chosen.length;
    this.#recorder.step('drain');
    this.#add(chosen);
    if (this.#entries.length >= BLOCK_BYTES) this.flush();
  }

  #add(records: readonly Uint8Array[]): void {
    this.#recorder.drain(
      (handle) => {
        const all = Buffer.concat(records);
        handle(all);
        return all.length;
      },
      (all) => nameNumbers(all, this.#names),
    );
    for (const { id, names } of this.choice.takeCgroups())
      this.#recorder.row({ map: 'cgroups', key: id }, () => names);
  }

  /** What was found when it was looked, for whomever; what is in it is valid during the call. */
  look({ pass, listeners }: Look): void {
    if (this.sums?.listeners !== true || listeners === undefined) return;
    this.#found = { pass, ...this.choice.listeners(listeners) };
  }

  /** An interval of its sums is over: what they gained, and what was found when it was looked last. */
  collect(): void {
    if (this.#isEnded || this.sums === undefined) return;
    this.#recorder.step('collect');
    this.#recorder.ask(ASKED.gains, () => this.gains.take());
    const found = this.#found;
    if (found === undefined) return;
    this.#found = undefined;
    this.#recorder.ask(ASKED.pass, () => found.pass);
    if (found.owners.length > 0) this.#add(found.owners);
    this.#recorder.rows('listeners', () => found.image);
  }

  /** What changed of what all are told, behind what happened until now. */
  tell({ lost, rules }: FeedState): void {
    if (this.#isEnded) return;
    this.#recorder.step('tick');
    this.#recorder.ask(ASKED.lost, () => lost);
    this.#recorder.ask(ASKED.rules, () => rules);
  }

  /** Sends what is not sent yet. */
  flush(): void {
    if (this.#isEnded || this.#entries.length === 0) return;
    this.#push(encodeBlock(BLOCK.entries, this.#entries.take()));
    if (this.#waitingBytes > this.#parts.maxWaitingBytes) this.#cutOff();
  }

  /** Sends what is not sent yet, and why that was all. */
  end(reason: keyof typeof FEED_END): void {
    this.flush();
    this.#endWith(reason);
  }

  /** What waits is let go: it is told why, and how much it read. */
  #cutOff(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#endWith('slow');
    this.#parts.onSlow();
    const timer = setTimeout(() => this.#parts.socket.destroy(), CUT_OFF_MS);
    timer.unref();
    this.#parts.socket.once('close', () => clearTimeout(timer));
  }

  #endWith(reason: keyof typeof FEED_END): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const end: RecordingEnd = { reason: FEED_END[reason], seen: this.#seen, lost: 0 };
    this.#push(encodeBlock(BLOCK.end, Buffer.from(JSON.stringify(end))));
  }

  #push(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#pump();
  }

  #pump(): void {
    if (this.#isWriting) return;
    const next = this.#waiting.shift();
    if (next === undefined) {
      if (this.#isEnded) this.#parts.socket.end();
      return;
    }
    this.#isWriting = true;
    this.#parts.socket.write(next, (error) => {
      this.#isWriting = false;
      this.#waitingBytes = Math.max(0, this.#waitingBytes - next.length);
      if (error) this.#isEnded = true;
      else this.#pump();
    });
  }
}
