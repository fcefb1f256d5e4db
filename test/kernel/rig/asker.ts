/** One connection whose client asks and whose server answers: what of it was sent and when, to the byte. */
import assert from 'node:assert/strict';
import { waitFor } from '../../support/wait.ts';
import type { ExchangeRecord, KernelRecord, RetransmitRecord } from '../../../receiver/model/record.ts';
import { hex } from '../../support/script.ts';
import type { Stage } from './conversation.ts';

type End = 'client' | 'server';

/** Between two readings of CLOCK_MONOTONIC something happened. */
export type Span = readonly [from: bigint, to: bigint];

export function assertWithin(ns: bigint, [from, to]: Span, what: string): void {
  assert.ok(ns >= from && ns <= to, `${what}: ${ns} is not from ${from} to ${to}`);
}

/** What was told of which requests, in order. */
export function kinds(records: readonly ExchangeRecord[]): (readonly [string, string | undefined])[] {
  return records.map(({ what, context }) => [what, context?.spanId]);
}

/** A request and its answer, as the server has seen them. */
export interface Turn {
  /** Its first bytes were written, and so arrived. */
  readonly asked: Span;
  readonly answered: Span;
  /** When the last byte of the answer was acknowledged: at no earlier moment than this, at no later one. */
  readonly acked: Span;
  readonly requestBytes: number;
  readonly answerBytes: number;
}

async function timed(play: () => Promise<unknown>): Promise<Span> {
  const from = process.hrtime.bigint();
  await play();
  return [from, process.hrtime.bigint()];
}

export class Asker {
  readonly client: number;
  readonly server: number;
  localPort = 0;
  readonly #stage: Stage;

  private constructor(stage: Stage) {
    this.#stage = stage;
    this.client = stage.script.next();
    this.server = stage.script.next();
  }

  /** Its client's socket, and no connection yet. */
  static async make(stage: Stage): Promise<Asker> {
    const made = new Asker(stage);
    stage.dropper.rest();
    await stage.script.run('socket', made.client);
    return made;
  }

  /** Connects and writes the request at once; nobody has accepted. */
  async openFor(request: string): Promise<Span> {
    const { script, port } = this.#stage;
    return timed(async () => {
      this.localPort = await script.run('request', this.client, port, hex(request));
    });
  }

  /** Connects for no request: whoever sleeps before it writes is not taken to have connected for it. */
  static async open(stage: Stage): Promise<Asker> {
    const made = await Asker.make(stage);
    const { script, port, listener } = stage;
    made.localPort = await script.run('connect', made.client, port);
    await script.run('accept', made.server, listener);
    await script.run('nodelay', made.client);
    await script.run('nodelay', made.server);
    await script.run('sleep', 0, 1);
    return made;
  }

  /** Writes these pieces of a request, of which each segment is lost once if `isLost`; the server has it in the end. */
  async ask(pieces: readonly string[], { isLost = false } = {}): Promise<Span> {
    const { script, dropper, port } = this.#stage;
    if (isLost) dropper.lose(port, { copies: 1 });
    const [first = '', ...rest] = pieces;
    const written = await timed(() => script.run('write', this.client, hex(first)));
    for (const piece of rest) await script.run('write', this.client, hex(piece));
    await script.run('read', this.server, pieces.join('').length);
    // What is sent again after the answer belongs to the exchange as well.
    await waitFor('all to be acknowledged', async () => (await script.run('unacked', this.client)) === 0);
    dropper.rest();
    return written;
  }

  /** The server writes, and nobody waits for it. */
  async write(text: string): Promise<Span> {
    return timed(() => this.#stage.script.run('write', this.server, hex(text)));
  }

  /** Each piece of an answer arrives before the next is written: when each did. */
  async answer(...pieces: readonly string[]): Promise<Span[]> {
    const { script } = this.#stage;
    const spans: Span[] = [];
    for (const piece of pieces)
      spans.push(
        await timed(async () => {
          await script.run('write', this.server, hex(piece));
          await script.run('read', this.client, piece.length);
        }),
      );
    return spans;
  }

  /**
   * Asks, answers, and waits until the client has acknowledged all. `isLost`: each segment of the answer is lost once.
   */
  async turn(request: readonly string[], answer: readonly string[], { isLost = false } = {}): Promise<Turn> {
    const { dropper } = this.#stage;
    const asked = await this.ask(request);
    if (isLost) dropper.lose(this.localPort, { copies: 1 });
    const answers = await this.answer(...answer);
    const acked = await this.acked(answers.at(-1)?.[0] ?? 0n);
    dropper.rest();
    const [requestBytes, answerBytes] = [request, answer].map((pieces) => pieces.join('').length) as [
      number,
      number,
    ];
    return { asked, answered: answers[0] ?? asked, acked, requestBytes, answerBytes };
  }

  /** Between which moments the client acknowledged what the server wrote last, at `fromNs` at the earliest. */
  async acked(fromNs: bigint): Promise<Span> {
    let from = fromNs;
    for (;;) {
      const asked = process.hrtime.bigint();
      if ((await this.#stage.script.run('unacked', this.server)) === 0)
        return [from, process.hrtime.bigint()];
      from = asked;
    }
  }

  async close(): Promise<void> {
    await this.#stage.script.run('close', this.client);
    await this.#stage.script.run('close', this.server);
  }

  #of<K extends KernelRecord['kind']>(kind: K, end: End): Extract<KernelRecord, { readonly kind: K }>[] {
    const ports = [this.localPort, this.#stage.port];
    const [local, peer] = end === 'client' ? ports : ports.reverse();
    return this.#stage.watcher
      .records()
      .filter(
        (record): record is Extract<KernelRecord, { readonly kind: K }> =>
          record.kind === kind &&
          'endpoints' in record &&
          record.endpoints.localPort === local &&
          record.endpoints.peerPort === peer,
      );
  }

  exchanges(end: End = 'client'): ExchangeRecord[] {
    return this.#of('exchange', end);
  }

  retransmits(end: End = 'client'): RetransmitRecord[] {
    return this.#of('retransmit', end);
  }

  /** Waits for what the kernel tells of the end of its connection. */
  async ended(end: End = 'client'): Promise<ExchangeRecord[]> {
    const isOver = (): boolean => this.#of('close', end).length > 0;
    await waitFor('the close record', isOver);
    return this.exchanges(end);
  }
}
