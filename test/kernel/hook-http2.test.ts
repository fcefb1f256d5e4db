/** `wirespan/hook` in a Node client over HTTP/2 and gRPC, plaintext and TLS, with segments really lost. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RetransmitRecord } from '../../receiver/model/record.ts';
import { makeCertificates, withoutOpenssl } from '../support/certificates.ts';
import { Cleanup } from '../support/cleanup.ts';
import { Dropper } from '../support/dropper.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import { plain } from './rig/conversation.ts';
import { startHooked, type Running } from './rig/hooked-service.ts';
import type { Context } from '../support/traceparent.ts';

const KINDS = ['http2', 'http2s', 'grpc', 'grpcs'] as const;
const PERMILLE = 150;
type Kind = (typeof KINDS)[number];

/** As the client knew it; `start` and `end` are moments in the order of all, `from` and `to` what was written by then. */
interface Stream extends Context {
  readonly localPort: number;
  readonly start: number;
  readonly from: number;
  readonly end: number;
  readonly to: number;
}

/** What one connection wrote. */
class Connection {
  readonly #streams: readonly Stream[];
  /** The sequence number of its first byte, once an announcement told it. */
  #origin: number | undefined;

  constructor(streams: readonly Stream[]) {
    this.#streams = streams;
  }

  /** Where another stream begins: from there on its bytes are not this one's alone. */
  #aloneTo(stream: Stream): number {
    const next = this.#streams.filter(({ start }) => start > stream.start).map(({ from }) => from);
    return Math.min(...next, Number.MAX_SAFE_INTEGER);
  }

  #isAlone(stream: Stream): boolean {
    return !this.#streams.some(({ start, end }) => start < stream.start && end > stream.start);
  }

  /** What was said of a segment is of a stream that was alone when its first byte was written. */
  check({ context, seq }: RetransmitRecord): void {
    if (context === undefined) return;
    const stream = this.#streams.find(({ spanId }) => spanId === context.spanId);
    assert.ok(stream !== undefined, 'it is of this connection');
    const { traceId, spanId, flags, from } = stream;
    assert.deepEqual([plain(context), context.method], [{ traceId, spanId, flags }, 'sdk_hook']);
    this.#origin ??= (context.startSeq - from) >>> 0;
    assert.equal((context.startSeq - from) >>> 0, this.#origin, 'where the stream begins');
    const at = (seq - this.#origin) >>> 0;
    assert.ok(this.#isAlone(stream) && at >= from && at < this.#aloneTo(stream), 'nobody else’s');
  }

  /** Its first byte is of one stream, and no other was open when that was written. Unknown: false. */
  isOfOne({ seq }: RetransmitRecord): boolean {
    if (this.#origin === undefined) return false;
    const at = (seq - this.#origin) >>> 0;
    return this.#streams.some(
      (stream) =>
        this.#isAlone(stream) && at >= stream.from && at < Math.min(stream.to, this.#aloneTo(stream)),
    );
  }
}

describe('a Node client of HTTP/2 with the hook', { skip: withoutOpenssl }, () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let dropper: Dropper;
  let ca = '';
  let ports: Readonly<Record<string, number>> = {};

  /** The service, in the room. */
  function start(args: readonly string[], isHooked: boolean): Running {
    const env = { NODE_NO_WARNINGS: '1' };
    return startHooked(cleanup, { room, name: 'h2-service.ts', args, isHooked, env });
  }

  async function call(kind: Kind, connections: number, calls: number, parallel: number): Promise<Stream[]> {
    const numbers = [connections, calls, parallel].map(String);
    const { out, ended } = start(['call', kind, String(ports[kind]), ca, ...numbers], true);
    assert.equal(await ended, 0);
    const streams = out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Stream);
    assert.equal(streams.length, connections * calls);
    return streams;
  }

  /** Segments sent again that are of one stream, and how many of them were said to be; wrong ones fail. */
  async function measure(
    kind: Kind,
    connections: number,
    calls: number,
    parallel: number,
  ): Promise<{ found: number; all: number }> {
    const watcher = new Watcher();
    try {
      const port = ports[kind] ?? 0;
      dropper.lose(port, { permille: PERMILLE });
      const streams = await call(kind, connections, calls, parallel);
      dropper.rest();
      const all = watcher
        .retransmits(room.inode)
        .filter(({ endpoints, type }) => endpoints.peerPort === port && type !== 'syn');
      return compare(streams, all);
    } finally {
      watcher.close();
    }
  }

  function compare(
    streams: readonly Stream[],
    all: readonly RetransmitRecord[],
  ): Record<'found' | 'all', number> {
    const counts = { found: 0, all: 0 };
    for (const localPort of new Set(streams.map((stream) => stream.localPort))) {
      const connection = new Connection(streams.filter((stream) => stream.localPort === localPort));
      const again = all.filter(({ endpoints }) => endpoints.localPort === localPort);
      for (const record of again) connection.check(record);
      const ofOne = again.filter((record) => connection.isOfOne(record));
      counts.all += ofOne.length;
      counts.found += ofOne.filter(({ context }) => context !== undefined).length;
    }
    return counts;
  }

  before(async () => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    dropper = Dropper.attach(room);
    cleanup.add(() => dropper.close());
    const certificates = makeCertificates(cleanup.makeFolder());
    ({ ca } = certificates);
    const { out } = start(['serve', certificates.cert, certificates.key], false);
    await waitFor('the service to listen', () => out().endsWith('\n'));
    ports = JSON.parse(out()) as typeof ports;
  });
  after(() => cleanup.run());

  for (const kind of KINDS) {
    test(`${kind}, one call at a time: each segment is of its call, and of no other`, async (t) => {
      const { found, all } = await measure(kind, 50, 24, 1);
      t.diagnostic(`${kind}: ${found} of ${all} retransmissions have their call's span`);
      assert.ok(all > 50 && found >= all * 0.99, `${found} of ${all}`);
    });

    test(`${kind}, several calls at once: no segment is of one that was not alone`, async (t) => {
      const { found, all } = await measure(kind, 40, 40, 3);
      t.diagnostic(`${kind}: ${found} of ${all} retransmissions of a call that was alone have its span`);
      assert.ok(found > 0, `${found} of ${all}`);
    });
  }
});
