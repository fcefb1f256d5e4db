/** One client connection whose stream is known byte by byte: who owns what, and what was sent again. */
import assert from 'node:assert/strict';
import { waitFor } from '../../support/wait.ts';
import type {
  ConnectionRecord,
  RequestContext,
  RetransmitRecord,
  SocketRecord,
} from '../../../receiver/model/record.ts';
import type { Dropper } from '../../support/dropper.ts';
import type { NetNamespace } from '../../support/net-namespace.ts';
import { hex, type TcpScript } from '../../support/script.ts';
import { newContext, requestOf, type Context } from '../../support/traceparent.ts';
import type { Watcher } from '../../support/watcher.ts';

/** What TLS makes of a request is as good as this. */
export const OPAQUE = '\x17\x03\x03 something that nobody can read';

/** What all conversations of a test file share. */
export interface Stage {
  readonly watcher: Watcher;
  readonly room: NetNamespace;
  readonly script: TcpScript;
  readonly dropper: Dropper;
  readonly listener: number;
  readonly port: number;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly context: Context | undefined;
  /** The kernel side may have forgotten it, or may not know it yet. */
  readonly isForgettable: boolean;
}

interface OpenOptions {
  readonly mss?: number;
  readonly isLosing?: boolean;
}

export function plain(context: RequestContext | undefined): Context | undefined {
  if (context === undefined) return undefined;
  return { traceId: context.traceId, spanId: context.spanId, flags: context.traceFlags };
}

/** One buffer of a write, as a command has it. */
function bufferOf(bytes: string): string {
  return bytes === '' ? '-' : hex(bytes);
}

export class Conversation {
  readonly client: number;
  readonly server: number;
  localPort = 0;
  readonly #stage: Stage;
  readonly #stretches: Stretch[] = [];
  #base: number | undefined;
  #written = 0;
  #read = 0;

  private constructor(stage: Stage) {
    this.#stage = stage;
    this.client = stage.script.next();
    this.server = stage.script.next();
  }

  /**
   * Connects and writes the first request; its record tells where the stream begins. Nothing of it is lost
   * unless `isLosing`.
   */
  static async open(stage: Stage, options: OpenOptions = {}): Promise<Conversation> {
    for (let attempt = 1; ; attempt += 1) {
      const made = await Conversation.#tryToOpen(stage, options);
      if (made !== undefined) return made;
      assert.ok(attempt < ATTEMPTS, `the first request was not found, ${ATTEMPTS} times over`);
    }
  }

  /** Undefined: the handshake is on no trace, as when the machine stood still before the first write. */
  static async #tryToOpen(
    stage: Stage,
    { mss = 0, isLosing = false }: OpenOptions,
  ): Promise<Conversation | undefined> {
    const made = new Conversation(stage);
    const { script, port, listener, dropper } = stage;
    const first = newContext();
    const bytes = requestOf(first);
    if (!isLosing) dropper.spareNew(port);
    await script.run('socket', made.client, mss);
    made.localPort = await script.run('request', made.client, port, hex(bytes));
    await script.run('accept', made.server, listener);
    await script.run('nodelay', made.client);
    made.#note(bytes.length, first);
    const handshake = made
      .#ofThis(stage.watcher.connections(stage.room.inode, made.localPort))
      .findLast(({ kind }) => kind === 'handshake');
    if (handshake === undefined) return made.#giveUp();
    assert.deepEqual(plain(handshake.context), first);
    made.#base = handshake.context?.startSeq;
    await made.settle();
    return made;
  }

  async #giveUp(): Promise<undefined> {
    const { script } = this.#stage;
    await script.run('reset', this.client);
    await script.run('close', this.server);
    return undefined;
  }

  /** Connects without a request; what is lost first marks where the stream begins. */
  static async openSilent(stage: Stage, { port = 0, mss = 0 } = {}): Promise<Conversation> {
    const made = new Conversation(stage);
    await stage.script.run('socket', made.client, mss);
    if (port !== 0) await stage.script.run('bind', made.client, port);
    made.localPort = await stage.script.run('connect', made.client, stage.port);
    await stage.script.run('accept', made.server, stage.listener);
    await stage.script.run('nodelay', made.client);
    // A thread that did not sleep since it connected is taken to write what it connected for. On a slow machine the
    // next command is there before the script waits for it.
    await stage.script.run('sleep', 0, 1);
    return made;
  }

  /** Drops the connection and connects the same socket once more. */
  async again(): Promise<void> {
    const { script, listener, port } = this.#stage;
    this.localPort = await script.run('reconnect', this.client, port);
    await script.run('close', this.server);
    await script.run('accept', this.server, listener);
    this.#stretches.length = 0;
    this.#written = 0;
    this.#read = 0;
    this.#base = undefined;
  }

  /** One write of these bytes, in one buffer or in several, all of which belong to `context`. */
  async write(bytes: string | readonly string[], context?: Context): Promise<void> {
    const parts = typeof bytes === 'string' ? [bytes] : bytes;
    const { length } = parts.join('');
    assert.equal(await this.#stage.script.run('write', this.client, ...parts.map(bufferOf)), length);
    this.#note(length, context);
  }

  /** One write of several messages. `mayBeSentTooEarly`: again, that is, before a head in it is whole. */
  async writeAll(
    messages: readonly (readonly [bytes: string, context?: Context])[],
    { mayBeSentTooEarly = false } = {},
  ): Promise<void> {
    const bytes = messages.map(([text]) => text).join('');
    assert.equal(await this.#stage.script.run('write', this.client, hex(bytes)), bytes.length);
    for (const [text, context] of messages) this.#note(text.length, context, mayBeSentTooEarly);
  }

  /** Bytes that went out by another command, all of `context`. */
  noteWritten(bytes: number, context?: Context, { isForgettable = false } = {}): void {
    this.#note(bytes, context, isForgettable);
  }

  /** Bytes of nobody that went out by `stream`, which reads them as well. */
  noteStreamed(bytes: number): void {
    this.#note(bytes, undefined);
    this.#read += bytes;
  }

  #note(bytes: number, context: Context | undefined, isForgettable = false): void {
    this.#stretches.push({ from: this.#written, to: this.#written + bytes, context, isForgettable });
    this.#written += bytes;
  }

  /** Reads everything at the other end, and waits until it is acknowledged. */
  async settle(): Promise<void> {
    const { script } = this.#stage;
    await script.run('read', this.server, this.#written - this.#read);
    this.#read = this.#written;
    await waitFor(
      'the peer to acknowledge all',
      async () => (await script.run('unacked', this.client)) === 0,
    );
  }

  /** Everything lost from now on in first copies, until `spare`. */
  lose(copies = 1): void {
    this.#stage.dropper.lose(this.#stage.port, { copies });
  }

  spare(copies = 1): void {
    this.#stage.dropper.spareNew(this.#stage.port, copies);
  }

  /** Another connection may have the same local port, to another listener. */
  #ofThis<T extends SocketRecord>(records: readonly T[]): T[] {
    return records.filter(({ endpoints }) => endpoints.peerPort === this.#stage.port);
  }

  /** Retransmissions of this connection, each with its place in the stream. */
  retransmits(): { readonly at: number; readonly record: RetransmitRecord }[] {
    const records = this.#ofThis(this.#stage.watcher.retransmits(this.#stage.room.inode, this.localPort));
    const base = this.#base ?? this.#firstDropped();
    // Sequence numbers come again after 4 GiB: what was sent again lies within as much of the end.
    const end = this.#written;
    return records.map((record) => ({ at: end - ((base + end - record.seq) >>> 0), record }));
  }

  /**
   * Contexts of the segments that were lost and sent again, one for each. A machine that stands still for a while
   * sends others again as well, and some more than once.
   */
  lostContexts(): (Context | undefined)[] {
    const lost = new Set(this.#droppedSeqs());
    const again = this.retransmits().filter(({ record }) => lost.has(record.seq));
    return [...new Map(again.map(({ record }) => [record.seq, plain(record.context)])).values()];
  }

  #firstDropped(): number {
    return this.#droppedSeqs().reduce((least, seq) => (((seq - least) | 0) < 0 ? seq : least));
  }

  #droppedSeqs(): number[] {
    const mine = this.#stage.dropper.dropped().filter(({ clientPort }) => clientPort === this.localPort);
    return mine.map(({ seq }) => seq);
  }

  /** How many retransmissions begin with a byte that is of a context. */
  ownedRetransmits(): number {
    return this.retransmits().filter(({ at }) => this.#ownerOf(at)?.context !== undefined).length;
  }

  #ownerOf(at: number): Stretch | undefined {
    return this.#stretches.find(({ from, to }) => at >= from && at < to);
  }

  /** Each retransmission carries the context of the owner of its first byte, exactly, or none. */
  checkContexts(): void {
    for (const { at, record } of this.retransmits()) {
      const owner = this.#ownerOf(at);
      if (owner?.isForgettable === true && record.context === undefined) continue;
      assert.deepEqual(
        plain(record.context),
        owner?.context,
        `bytes ${at} to ${at + record.endSeq - record.seq}`,
      );
    }
  }

  /** Closes both ends and waits for the record of it, a while: the record itself may be lost. */
  async close(): Promise<void> {
    await this.#stage.script.run('close', this.client);
    await this.#stage.script.run('close', this.server);
    const isClosed = (): boolean => this.#closeRecord() !== undefined;
    await waitFor('the close record', isClosed, CLOSE_WITHIN_MS).catch(() => undefined);
  }

  #closeRecord(): ConnectionRecord | undefined {
    const { watcher, room } = this.#stage;
    const ends = this.#ofThis(watcher.connections(room.inode, this.localPort));
    return ends.findLast(({ kind }) => kind === 'close');
  }

  /**
   * After `close`: segments that the kernel sent again, and those that the records show. Undefined when the close
   * was not seen.
   */
  segments(): { readonly sent: number; readonly shown: number } | undefined {
    const closed = this.#closeRecord();
    if (closed === undefined) return undefined;
    const shown = this.retransmits().reduce((sum, { record }) => sum + record.segments, 0);
    return { sent: closed.segmentsRetransmitted, shown };
  }
}

const CLOSE_WITHIN_MS = 5_000;
const ATTEMPTS = 5;

/**
 * Plays a scene until the records show every retransmission that the kernel counts: on some hosts a program is
 * skipped now and then in a timer. A wrong context fails at once, whichever attempt shows it.
 */
export async function untilSeen(play: () => Promise<Conversation>): Promise<Conversation> {
  for (let attempt = 1; ; attempt += 1) {
    const conversation = await play();
    await conversation.close();
    conversation.checkContexts();
    const segments = conversation.segments();
    if (segments === undefined) {
      assert.ok(attempt < ATTEMPTS, `no close record, ${ATTEMPTS} times over`);
      continue;
    }
    const { sent, shown } = segments;
    assert.ok(sent > 0, 'the scene lost nothing');
    assert.ok(shown <= sent, `${shown} segments shown, ${sent} sent again`);
    if (shown === sent) return conversation;
    assert.ok(attempt < ATTEMPTS, `${shown} of ${sent} segments shown, ${ATTEMPTS} times over`);
  }
}
