import { connect, type Socket } from 'node:net';
import { outsideText } from '../../text/index.ts';
import {
  BLOCK,
  BLOCK_HEADER_BYTES,
  entriesOf,
  FILE_HEADER_BYTES,
  FORMAT_VERSION,
  MAX_BLOCK_BYTES,
  readBlockHeader,
  readFileHeader,
  type Entry,
} from '../recording/format.ts';
import { decodeBlock } from '../recording/blocks.ts';
import { unreadableLayout } from '../recording/layouts.ts';
import type { RecordingEnd, RecordingMeta } from '../recording/meta.ts';
import type { EntrySource } from '../recording/player.ts';
import { FeedReadError } from './errors.ts';
import { readLine } from './line.ts';
import { greetingLine, parseAnswer, type Greeting } from './protocol.ts';

/** An agent that does nothing else answers in milliseconds. */
const ANSWER_MS = 10_000;

/** What an agent sees, as it sees it. */
export class FeedStream implements EntrySource {
  /** What the agent said at the end; undefined: it has not come. */
  end: RecordingEnd | undefined;
  readonly #path: string;
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  #bytes = Buffer.alloc(0);
  #entries: Iterator<Entry | undefined> = [].values();
  #isDamaged = false;
  #meta: RecordingMeta | undefined;

  private constructor(path: string, socket: Socket) {
    this.#path = path;
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  }

  /** @throws FeedReadError */
  static async open(path: string, greeting: Greeting): Promise<FeedStream> {
    const socket = await connected(path);
    socket.write(greetingLine(greeting));
    const line = await readLine(socket, ANSWER_MS);
    const answer = line === undefined ? undefined : parseAnswer(line);
    const refuse = (why: string): never => {
      socket.destroy();
      throw new FeedReadError(path, why);
    };
    if (answer === undefined) return refuse('answers nothing that this view understands');
    const { refusal } = answer;
    if (refusal !== undefined)
      return refuse(
        'error' in refusal ? `refuses: ${outsideText(refusal.error)}` : outsideText(refusal.lacks),
      );
    const stream = new FeedStream(path, socket);
    await stream.#begin();
    return stream;
  }

  async #begin(): Promise<void> {
    const found = readFileHeader((await this.#take(FILE_HEADER_BYTES)) ?? Buffer.alloc(0));
    const block = found?.version === FORMAT_VERSION && !found.isDamaged ? await this.#block() : undefined;
    const meta =
      block?.type === BLOCK.meta ? (JSON.parse(block.bytes.toString('utf8')) as RecordingMeta) : undefined;
    const layout = meta && unreadableLayout(meta.layouts);
    if (meta === undefined || layout !== undefined) {
      this.close();
      const version = meta === undefined ? 'another version' : `version ${meta.wirespan}`;
      throw new FeedReadError(this.#path, `is of ${version}, whose records this one cannot read`);
    }
    this.#meta = meta;
  }

  get meta(): RecordingMeta {
    if (this.#meta === undefined) throw new Error('nothing was read yet');
    return this.#meta;
  }

  /** Waits for more entries; false: there are none, and `end` says why. @throws FeedReadError */
  async next(): Promise<boolean> {
    const block = await this.#block();
    if (this.#isDamaged)
      throw new FeedReadError(this.#path, 'sent what is damaged: what is before that was used');
    if (block === undefined) throw new FeedReadError(this.#path, 'went away');
    if (block.type === BLOCK.end) this.end = JSON.parse(block.bytes.toString('utf8')) as RecordingEnd;
    else this.#entries = entriesOf(block.bytes);
    return block.type !== BLOCK.end;
  }

  /** Those of the last block, once. */
  entries(): Iterator<Entry, undefined> {
    return {
      next: () => {
        const { value } = this.#entries.next() as { value: Entry | undefined };
        return value === undefined ? { done: true, value } : { done: false, value };
      },
    };
  }

  refuse(): void {
    this.#isDamaged = true;
  }

  /** Nothing more is wanted than what has happened until now. */
  finish(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Undefined: no more comes. */
  async #block(): Promise<{ readonly type: number; readonly bytes: Buffer } | undefined> {
    const header = await this.#take(BLOCK_HEADER_BYTES);
    if (header === undefined) return undefined;
    const { type, stored, unpacked } = readBlockHeader(header);
    if (stored > MAX_BLOCK_BYTES || unpacked > MAX_BLOCK_BYTES) this.refuse();
    const payload = this.#isDamaged ? undefined : await this.#take(stored);
    if (payload === undefined) return undefined;
    const bytes = decodeBlock(header, payload);
    if (bytes === undefined) this.refuse();
    return bytes && { type, bytes };
  }

  /** So many bytes; undefined: the stream ends before. */
  async #take(length: number): Promise<Buffer | undefined> {
    while (this.#bytes.length < length) {
      const { value, done } = await this.#chunks.next().catch(() => ({ value: undefined, done: true }));
      if (done === true || value === undefined) return undefined;
      this.#bytes = Buffer.concat([this.#bytes, value]);
    }
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.once('connect', () => {
      socket.off('error', onError).on('error', () => socket.destroy());
      resolve(socket);
    });
    const onError = ({ code = '' }: NodeJS.ErrnoException): void => {
      const isAbsent = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ECONNREFUSED';
      const why = isAbsent ? 'is not there' : `does not let this user read: ${code}`;
      reject(new FeedReadError(path, why, isAbsent));
    };
    socket.once('error', onError);
  });
}
