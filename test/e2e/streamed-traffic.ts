/** A small workload around the moment in which a stream of the agent fails: what is exported must be exactly this. */
import type { Output } from './observe.ts';
import { totalOf } from './otlp.ts';
import { connectPair, endPair, move, type Pair, type TrafficProcess } from './traffic.ts';

/** Payload of the connection that is open then: before and after; and of the one that comes after. */
const [BEFORE, AFTER, LATER] = [10_007, 20_011, 30_011];

/** Sums of both connections, each end. */
type Sums = Readonly<Record<'opened' | 'closed' | 'sent' | 'received', readonly number[]>>;

const EXPECTED: Sums = {
  opened: [1, 1, 1, 1],
  closed: [1, 1, 1, 1],
  sent: [BEFORE + AFTER, LATER],
  received: [BEFORE + AFTER, LATER],
};

export class StreamedTraffic {
  readonly #client: TrafficProcess;
  readonly #server: TrafficProcess;
  readonly #pairs: Pair[] = [];

  constructor(client: TrafficProcess, server: TrafficProcess) {
    this.#client = client;
    this.#server = server;
  }

  async begin(): Promise<void> {
    await this.#open(BEFORE);
  }

  /** All that begin() left open ends, and one more connection comes and goes. */
  async finish(): Promise<void> {
    for (const [pair, bytes] of [
      [this.#pairs[0], AFTER],
      [await this.#open(LATER), 0],
    ] as const) {
      if (pair === undefined) throw new Error('nothing has begun');
      if (bytes > 0) await move(pair.client, pair.server, bytes);
      await endPair(pair);
    }
  }

  expected(): Sums {
    return EXPECTED;
  }

  sums({ metrics }: Output): Sums {
    const ends = [this.#client, this.#server];
    const of = (name: string, pid: number, port: number, more = {}): number =>
      totalOf(metrics, `wirespan.tcp.${name}`, {
        pids: new Set([pid]),
        attributes: { 'server.port': port, ...more },
      });
    const each = (name: string): number[] =>
      this.#pairs.flatMap(({ port }) => ends.map(({ pid }) => of(name, pid, port)));
    const bytes = ({ pid }: TrafficProcess, direction: string): number[] =>
      this.#pairs.map(({ port }) => of('io', pid, port, { 'network.io.direction': direction }));
    return {
      opened: each('connection.opened'),
      closed: each('connection.closed'),
      sent: bytes(this.#client, 'transmit'),
      received: bytes(this.#server, 'receive'),
    };
  }

  async #open(bytes: number): Promise<Pair> {
    const pair = await connectPair(this.#client, this.#server, '127.0.0.1');
    this.#pairs.push(pair);
    await move(pair.client, pair.server, bytes);
    return pair;
  }
}
