/** Clients that write HTTP/2 over connections that lose chosen segments, and whose span each of these is on. */
import { Http2Streams } from '../../../receiver/correlate/http2-streams.ts';
import { Conversation, type Stage } from './conversation.ts';
import { writeLost } from './lost-writes.ts';

const MSS = 1_000;
/** The types of frames that may come any number of times: DATA, PING. */
const REPEATABLE: ReadonlySet<string | undefined> = new Set(['\0', '\x06']);

export class Http2Wire {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Contexts of what was lost of a connection, each once, in the order of the bytes. */
  spans(c: Conversation): (string | undefined)[] {
    const dropped = this.#stage.dropper.dropped().filter(({ clientPort }) => clientPort === c.localPort);
    const lost = new Set(dropped.map(({ seq }) => seq));
    return this.resent(c).flatMap(([seq, span]) => (lost.has(seq) ? [span] : []));
  }

  /** What was sent again of a connection, each segment once: its sequence number, and whose it is. */
  resent(c: Conversation): (readonly [seq: number, span: string | undefined])[] {
    const { watcher, room, port } = this.#stage;
    const streams = new Http2Streams();
    const found = new Map<number, string | undefined>();
    for (const record of watcher.records()) {
      if (record.kind === 'http2') {
        if (record.netns === room.inode) streams.take(record);
        continue;
      }
      if (record.kind !== 'retransmit' || record.netns !== room.inode) continue;
      const { endpoints, seq } = record;
      if (endpoints.localPort !== c.localPort || endpoints.peerPort !== port) continue;
      found.set(seq, streams.resolve(record).context?.spanId);
    }
    return [...found].sort(([a], [b]) => (a - b) | 0);
  }

  /** A connection that wrote this much and lost nothing of it. */
  async open(first: string | readonly string[]): Promise<Conversation> {
    this.#stage.dropper.rest();
    const c = await Conversation.openSilent(this.#stage, { mss: MSS });
    await c.write(first);
    await c.settle();
    return c;
  }

  /** Writes each of these, which is lost, and sent again; what begins with DATA or PING until a record shows it. */
  async lose(c: Conversation, ...writes: readonly (string | readonly string[])[]): Promise<void> {
    c.lose();
    for (const bytes of writes)
      if (REPEATABLE.has([bytes].flat().join('')[3])) {
        await writeLost(this.#stage, c, bytes);
      } else {
        await c.write(bytes);
        await c.settle();
      }
    this.#stage.dropper.rest();
  }
}
