/** One connection seen from its server: which answer each byte is of, and what was sent again. */
import assert from 'node:assert/strict';
import { waitFor } from '../../support/wait.ts';
import type { ConnectionRecord, RetransmitRecord } from '../../../receiver/model/record.ts';
import { Dropper } from '../../support/dropper.ts';
import { hex } from '../../support/script.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import { plain, type Stage } from './conversation.ts';
import type { Context } from '../../support/traceparent.ts';

/** Local ports of clients in turn, below those of listeners: what is lost of answers is chosen by them. */
const [FIRST_PORT, END_PORT] = [12_000, 22_000];
let nextPort = FIRST_PORT;

/** A stage, and the means to lose answers: `stage.dropper` loses requests. */
export interface ServiceStage extends Stage {
  readonly answers: Dropper;
}

export function withAnswers(cleanup: Cleanup, stage: Stage): ServiceStage {
  const answers = Dropper.attach(stage.room);
  cleanup.add(() => answers.close());
  return { ...stage, answers };
}

/** Sequence numbers [from, to) of the server, modulo 2^32. */
interface Answer {
  readonly from: number;
  readonly to: number;
  readonly context: Context | undefined;
}

const CLOSE_WITHIN_MS = 5_000;
const ATTEMPTS = 5;

export class Service {
  readonly client: number;
  readonly server: number;
  readonly clientPort: number;
  readonly #stage: ServiceStage;
  /** How many of the answers' segments are lost. */
  readonly #permille: number;
  readonly #answers: Answer[] = [];

  private constructor(stage: ServiceStage, permille: number) {
    this.#stage = stage;
    this.#permille = permille;
    this.client = stage.script.next();
    this.server = stage.script.next();
    this.clientPort = nextPort;
    nextPort = nextPort + 1 === END_PORT ? FIRST_PORT : nextPort + 1;
  }

  static async open(
    stage: ServiceStage,
    { mss = 0, isLosing = false, permille = 1000 } = {},
  ): Promise<Service> {
    const made = new Service(stage, permille);
    const { script } = stage;
    if (!isLosing) stage.dropper.rest();
    stage.answers.rest();
    await script.run('socket', made.client, mss);
    await script.run('bind', made.client, made.clientPort);
    await script.run('connect', made.client, stage.port);
    await script.run('accept', made.server, stage.listener);
    await script.run('nodelay', made.client);
    await script.run('nodelay', made.server);
    return made;
  }

  /** Sends these segments of a request and has the server read them. */
  async ask(...segments: readonly string[]): Promise<void> {
    for (const segment of segments) await this.send(segment);
    await this.take(segments.join('').length);
  }

  async send(segment: string): Promise<void> {
    await this.#stage.script.run('write', this.client, hex(segment));
  }

  async take(bytes: number): Promise<void> {
    await this.#stage.script.run('read', this.server, bytes);
  }

  /** Writes each of these pieces of an answer, which is lost once, and has the client read them all. */
  async answer(context: Context | undefined, ...pieces: readonly string[]): Promise<void> {
    await this.reply(context, ...pieces);
    await this.settle(pieces.join('').length);
  }

  /** The same, and nobody waits for it. */
  async reply(context: Context | undefined, ...pieces: readonly string[]): Promise<void> {
    const { script, answers } = this.#stage;
    answers.lose(this.clientPort, { permille: this.#permille });
    for (const piece of pieces) {
      const from = await script.run('next', this.server, 1);
      await script.run('write', this.server, hex(piece));
      this.#answers.push({ from, to: (from + piece.length) >>> 0, context });
    }
  }

  /** The client reads this much, and the server has its acknowledgement. */
  async settle(bytes: number): Promise<void> {
    const { script } = this.#stage;
    await script.run('read', this.client, bytes);
    const isAcked = async (): Promise<boolean> => (await script.run('unacked', this.server)) === 0;
    await waitFor('the client to acknowledge all', isAcked);
  }

  /** A request in one segment and its answer. */
  async exchange(request: string, context: Context | undefined, answer = answerOf()): Promise<void> {
    await this.ask(request);
    await this.answer(context, answer);
  }

  retransmits(): RetransmitRecord[] {
    const { watcher, room, port } = this.#stage;
    return watcher
      .retransmits(room.inode, port)
      .filter(({ endpoints }) => endpoints.peerPort === this.clientPort);
  }

  /** The truth about a retransmission by its first byte, and whether it is of an answer at all. */
  ownerOf({ seq }: RetransmitRecord): Answer | undefined {
    return this.#answers.find(({ from, to }) => (seq - from) >>> 0 < (to - from) >>> 0);
  }

  /** Every link is the right one; how many there are, of how many that there could be. */
  check(): { readonly found: number; readonly possible: number } {
    let [found, possible] = [0, 0];
    for (const record of this.retransmits()) {
      const owner = this.ownerOf(record)?.context;
      const context = plain(record.context);
      if (owner !== undefined) possible += 1;
      if (context === undefined) continue;
      found += 1;
      assert.deepEqual(context, owner, `the context of ${record.seq}`);
      assert.ok(['http1_window', 'sdk_hook'].includes(record.context?.method ?? ''));
    }
    return { found, possible };
  }

  /** Span ids of the retransmissions in the order of their bytes, each once. */
  spans(): (string | undefined)[] {
    const by = new Map(
      this.retransmits().map((record) => [this.ownerOf(record)?.from, record.context?.spanId] as const),
    );
    return this.#answers.filter(({ from }) => by.has(from)).map(({ from }) => by.get(from));
  }

  async close(): Promise<void> {
    const { script, answers } = this.#stage;
    answers.rest();
    await script.run('close', this.client);
    await script.run('close', this.server);
    await waitFor('the close record', () => this.#closed() !== undefined, CLOSE_WITHIN_MS).catch(
      () => undefined,
    );
  }

  /** Closes both ends, and waits for nothing. */
  async abandon(): Promise<void> {
    await this.#stage.script.run('close', this.client);
    await this.#stage.script.run('close', this.server);
  }

  #closed(): ConnectionRecord | undefined {
    const { watcher, room, port } = this.#stage;
    return watcher
      .connections(room.inode, port, this.clientPort)
      .findLast(({ kind, endpoints }) => kind === 'close' && endpoints.localPort === port);
  }

  /** After `close`: whether the records show every segment that was sent again. */
  get isSeen(): boolean {
    const shown = this.retransmits().reduce((sum, { segments }) => sum + segments, 0);
    return shown > 0 && shown === this.#closed()?.segmentsRetransmitted;
  }
}

/** An answer with a body of so many bytes. */
export function answerOf(bytes = 7, status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${String(bytes)}\r\n\r\n${'a'.repeat(bytes)}`;
}

/** Plays a scene until every retransmission is seen: some hosts skip programs in timers now and then. */
export async function untilServed(play: () => Promise<Service>): Promise<Service> {
  for (let attempt = 1; ; attempt += 1) {
    const service = await play();
    await service.close();
    service.check();
    if (service.isSeen) return service;
    assert.ok(attempt < ATTEMPTS, `not all retransmissions were seen, ${ATTEMPTS} times over`);
  }
}
