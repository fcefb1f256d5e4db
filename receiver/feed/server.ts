import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Attributes } from '@opentelemetry/api';
import { outsideText } from '../../text/index.ts';
import type { KernelNames } from '../model/record.ts';
import type { RecordingMeta } from '../recording/meta.ts';
import { RecordChoice, unviewedEvent, type ChoiceProcesses, type Look } from './choice.ts';
import { FeedError } from './errors.ts';
import { unsummedMetric } from './gains.ts';
import { readLine } from './line.ts';
import { FeedLooks, type LookAsked } from './looks.ts';
import { answerLine, parseGreeting, type Greeting, type Refusal } from './protocol.ts';
import { FeedReader, type FeedState } from './reader.ts';

export const MAX_READERS = 16;
/** As they are sent, compressed: some 80,000 records. */
export const MAX_WAITING_BYTES = 1 << 20;
/** Who connects has so long to ask. */
const GREETING_MS = 5_000;
/** What was read of the ring is sent so often, and so often it is told what changed besides. */
const FLUSH_MS = 50;
const TELL_MS = 1_000;
/** Who reads has so long to take the last of it when the agent ends. */
const LAST_MS = 1_000;
const MODE_NOBODY_ELSE = 0o177;

export interface FeedBounds {
  readonly maxReaders: number;
  readonly maxWaitingBytes: number;
}

export interface FeedOptions {
  /** Path of the socket. */
  readonly path: string;
  /** Its file mode. */
  readonly mode: number;
  readonly names: KernelNames;
  readonly processes: ChoiceProcesses;
  /** What a recording that begins now says of itself. */
  meta(): RecordingMeta;
  state(): FeedState;
  /** Why the agent has not what is asked for; undefined: it has. */
  lacks(greeting: Greeting): string | undefined;
  /** Records are to be made of these, bits of `enum viewed_record`. */
  ask(viewed: number): void;
  /** Reads what the kernel has made until now. */
  drain(): void;
  /** Looks at what is summed, and hands on what it gained and the records that come of it. */
  look(asked: LookAsked): Look;
  /** Default: those of an agent. */
  readonly bounds?: Partial<FeedBounds>;
}

/** Since the start; `readers`: now. */
export interface FeedCounters {
  readers: number;
  cutOff: number;
  refused: number;
}

/** Lets views read what the agent reads, by a unix socket. Nothing here makes the agent wait. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #bounds: FeedBounds;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #readers = new Set<FeedReader>();
  readonly #looks: FeedLooks;
  #cutOff = 0;
  #refused = 0;
  #inode: bigint | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #tellTimer: NodeJS.Timeout | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#looks = new FeedLooks((asked) => options.look(asked));
    this.#bounds = { maxReaders: MAX_READERS, maxWaitingBytes: MAX_WAITING_BYTES, ...options.bounds };
    this.#server = createServer({ allowHalfOpen: true }, (socket) => void this.#meet(socket));
  }

  /** @throws FeedError when the place is not to be had */
  async listen(): Promise<void> {
    const { path, mode } = this.#options;
    await makePlace(path);
    // Between its making and its mode nobody else may connect.
    const before = process.umask(MODE_NOBODY_ELSE);
    try {
      await new Promise<void>((resolve, reject) => {
        // It stays: a connection that cannot be taken, for want of file descriptors, is no end of the agent.
        this.#server.on('error', reject);
        this.#server.listen({ path }, resolve);
      });
      chmodSync(path, mode);
    } catch (error) {
      throw unusable(path, (error as NodeJS.ErrnoException).code ?? String(error));
    } finally {
      process.umask(before);
    }
    this.#inode = inodeOf(path);
  }

  /** Whether somebody reads: then what happens is looked at more often. */
  get isRead(): boolean {
    return this.#readers.size > 0;
  }

  counters(): FeedCounters {
    return { readers: this.#readers.size, cutOff: this.#cutOff, refused: this.#refused };
  }

  /** Records of one batch; valid during the call. */
  records(bytes: Uint8Array): void {
    for (const reader of this.#readers) reader.records(bytes);
  }

  /** What a counter gained. */
  gain(metric: string, attributes: Attributes, value: number): void {
    for (const { gains } of this.#readers) gains.add(metric, attributes, value);
  }

  /** Ends all readers, and takes the socket away. What is still to come was drained before. */
  async close(): Promise<void> {
    clearInterval(this.#flushTimer);
    clearInterval(this.#tellTimer);
    for (const reader of this.#readers) {
      this.#looks.collect(reader, true);
      this.#looks.end(reader);
      reader.end('stopped');
    }
    this.#readers.clear();
    // Another agent may have taken the place.
    if (this.#inode !== undefined && inodeOf(this.#options.path) === this.#inode)
      rmSync(this.#options.path, { force: true });
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, LAST_MS);
    await closed;
    clearTimeout(timer);
  }

  async #meet(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    // Those that were cut off, and those that have not asked yet, take a place too.
    if (this.#sockets.size > this.#bounds.maxReaders) {
      this.#refuse(socket, { error: `it has ${String(this.#bounds.maxReaders)} readers, and takes no more` });
      return;
    }
    const line = await readLine(socket, GREETING_MS);
    if (socket.destroyed) return;
    const greeting = line === undefined ? 'it asked nothing in time' : parseGreeting(line);
    if (typeof greeting === 'string') {
      this.#refuse(socket, { error: greeting });
      return;
    }
    const unknown = unviewedEvent(greeting) ?? unsummedMetric(greeting);
    const lacks =
      unknown === undefined ? this.#options.lacks(greeting) : `records no ${outsideText(unknown)} for views`;
    if (lacks === undefined) this.#admit(socket, greeting);
    else this.#refuse(socket, { lacks });
  }

  #refuse(socket: Socket, refusal: NonNullable<Refusal>): void {
    // What an agent does not have, the view's own programs have.
    if ('error' in refusal) this.#refused += 1;
    socket.resume();
    socket.end(answerLine(refusal));
    setTimeout(() => socket.destroy(), LAST_MS).unref();
  }

  #admit(socket: Socket, greeting: Greeting): void {
    const { names, processes, meta, state, drain } = this.#options;
    const leave = (): void => this.#remove(reader);
    const reader = new FeedReader(
      {
        socket,
        choice: new RecordChoice(greeting, processes),
        names,
        maxWaitingBytes: this.#bounds.maxWaitingBytes,
        onSlow: () => {
          this.#cutOff += 1;
          leave();
        },
      },
      meta(),
      state(),
    );
    // What was in the ring before it came is none of its own.
    drain();
    this.#readers.add(reader);
    this.#onReaders();
    this.#looks.begin(reader);
    socket.once('close', leave);
    // It has enough: what happened until now is still its own.
    socket.once('end', () => {
      if (!this.#readers.has(reader)) return;
      drain();
      this.#looks.collect(reader, true);
      reader.end('asked');
      leave();
    });
    socket.resume();
  }

  #remove(reader: FeedReader): void {
    this.#looks.end(reader);
    if (this.#readers.delete(reader)) this.#onReaders();
  }

  #onReaders(): void {
    this.#options.ask([...this.#readers].reduce((bits, { choice }) => bits | choice.viewed, 0));
    if (this.#readers.size > 0) {
      this.#flushTimer ??= setInterval(() => this.#flush(), FLUSH_MS);
      this.#tellTimer ??= setInterval(() => this.#tell(), TELL_MS);
      return;
    }
    clearInterval(this.#flushTimer);
    clearInterval(this.#tellTimer);
    this.#flushTimer = undefined;
    this.#tellTimer = undefined;
  }

  #flush(): void {
    for (const reader of this.#readers) reader.flush();
  }

  #tell(): void {
    const state = this.#options.state();
    for (const reader of this.#readers) reader.tell(state);
  }
}

/** Takes away the socket of an agent that is gone, and makes the last folder. */
async function makePlace(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    try {
      mkdirSync(dirname(path), { mode: 0o755 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') throw unusable(path, code ?? String(error));
    }
    return;
  }
  if (!stats.isSocket()) throw unusable(path, 'it is there, and is no socket: give another path');
  if (await isAlive(path))
    throw unusable(path, 'another agent listens there: stop it, or give this one another path');
  rmSync(path, { force: true });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}

function unusable(path: string, why: string): FeedError {
  return new FeedError(`Views cannot read from the agent at ${outsideText(path)} (views.socket): ${why}.`);
}

function inodeOf(path: string): bigint | undefined {
  return lstatSync(path, { throwIfNoEntry: false, bigint: true })?.ino;
}
