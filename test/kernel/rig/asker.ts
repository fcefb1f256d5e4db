/** One connection whose client asks and whose server answers: what of it was sent and when, to the byte. */
import { waitFor } from '../../support/wait.ts';
import type { ExchangeRecord, KernelRecord, RetransmitRecord } from '../../../receiver/model/record.ts';
import { hex } from '../../support/script.ts';
import type { Stage } from './conversation.ts';

/** Between two readings of CLOCK_MONOTONIC something happened. */
export type Span = readonly [from: bigint, to: bigint];

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

  static async open(stage: Stage): Promise<Asker> {
    const made = new Asker(stage);
    const { script, dropper, port, listener } = stage;
    dropper.rest();
    await script.run('socket', made.client);
    made.localPort = await script.run('connect', made.client, port);
    await script.run('accept', made.server, listener);
    await script.run('nodelay', made.client);
    await script.run('nodelay', made.server);
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

  async close(): Promise<void> {
    await this.#stage.script.run('close', this.client);
    await this.#stage.script.run('close', this.server);
  }

  #mine<K extends KernelRecord['kind']>(kind: K): Extract<KernelRecord, { readonly kind: K }>[] {
    return this.#stage.watcher
      .records()
      .filter(
        (record): record is Extract<KernelRecord, { readonly kind: K }> =>
          record.kind === kind &&
          'endpoints' in record &&
          record.endpoints.localPort === this.localPort &&
          record.endpoints.peerPort === this.#stage.port,
      );
  }

  exchanges(): ExchangeRecord[] {
    return this.#mine('exchange');
  }

  retransmits(): RetransmitRecord[] {
    return this.#mine('retransmit');
  }

  /** Waits for what the kernel tells of the end of its connection. */
  async ended(): Promise<ExchangeRecord[]> {
    const isOver = (): boolean => this.#mine('close').length > 0;
    await waitFor('the close record', isOver);
    return this.exchanges();
  }
}
