/**
 * A stock Node client and a stock Node server, plaintext keep-alive, segments lost both ways: what either end sends again is of the
 * request that it carries, and of no other. WIRESPAN_TEST_REQUESTS: more of them, by hand.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RetransmitRecord } from '../../receiver/model/record.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import type { Context } from '../support/traceparent.ts';
import { waitFor } from '../support/wait.ts';
import { onlyIn, Watcher } from '../support/watcher.ts';
import { plain } from './rig/conversation.ts';
import { startHooked, type Running } from './rig/hooked-service.ts';

const REQUESTS = Number(process.env['WIRESPAN_TEST_REQUESTS'] ?? 2_000);
const CONCURRENCY = 200;
/** One segment of so many, of either end, never arrives; a SYN has 60 bytes. */
const LOST_OF = 12;

/** Places in the stream of one end. */
interface Bytes {
  readonly from: number;
  readonly to: number;
}

/** As the client knew it; without a context: it had no header. */
interface Exchange extends Partial<Context> {
  readonly localPort: number;
  readonly request: Bytes;
  readonly response: Bytes;
}

type End = 'request' | 'response';

interface Counts {
  /** Sent again for a request with a header, and said to be of it. */
  found: number;
  all: number;
  /** Sent again for a request without a header, or on a stream whose beginning nothing told. */
  others: number;
}

/** What one end of a connection sent again, against the exchanges on it; a wrong link fails. */
function compare(
  exchanges: readonly Exchange[],
  end: End,
  again: readonly RetransmitRecord[],
  counts: Counts,
): void {
  let origin: number | undefined;
  for (const { context } of again) {
    const exchange = exchanges.find(({ spanId }) => spanId !== undefined && spanId === context?.spanId);
    if (context === undefined) continue;
    assert.ok(exchange !== undefined, 'it is of this connection');
    const { traceId, spanId, flags } = exchange;
    assert.deepEqual(plain(context), { traceId, spanId, flags });
    const begin = (context.startSeq - exchange[end].from) >>> 0;
    assert.equal(begin, (origin ??= begin), 'where the stream begins');
  }
  for (const { seq, context } of again) {
    const at = (seq - (origin ?? seq)) >>> 0;
    const owner = exchanges.find((exchange) => at >= exchange[end].from && at < exchange[end].to);
    if (origin === undefined || owner?.spanId === undefined) {
      assert.equal(context, undefined, 'it is of no request with a header');
      counts.others += 1;
      continue;
    }
    counts.all += 1;
    if (context === undefined) continue;
    assert.equal(context.spanId, owner.spanId);
    counts.found += 1;
  }
}

describe('plaintext requests of a Node client to a Node server', () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let port = 0;

  function start(...args: string[]): Running {
    const env = {
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    };
    return startHooked(cleanup, { room, name: 'plain-service.ts', args, isHooked: false, env });
  }

  before(async () => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    const { out } = start('serve');
    await waitFor('the service to listen', () => out().endsWith('\n'));
    ({ port } = JSON.parse(out()) as { port: number });
    room.filter(`meta length > 60 numgen random mod ${LOST_OF} == 0 drop`);
  });
  after(() => cleanup.run());

  /** The exchanges, and what was seen of them. */
  async function run(): Promise<{ exchanges: Exchange[]; again: RetransmitRecord[] }> {
    const watcher = new Watcher({ ...onlyIn(room) });
    // The ring holds some ten thousand records.
    const reading = setInterval(() => void watcher.records(), 50);
    try {
      const { out, ended } = start('call', ...[port, REQUESTS, CONCURRENCY].map(String));
      assert.equal(await ended, 0);
      const exchanges = out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Exchange);
      return { exchanges, again: watcher.retransmits(room.inode).filter(({ type }) => type !== 'syn') };
    } finally {
      clearInterval(reading);
      watcher.close();
    }
  }

  test(`${REQUESTS} requests over ${CONCURRENCY} connections, none on another's span`, async (t) => {
    const { exchanges, again } = await run();
    assert.equal(exchanges.length, REQUESTS);
    const ports = [...new Set(exchanges.map(({ localPort }) => localPort))];
    for (const end of ['request', 'response'] as const) {
      const counts: Counts = { found: 0, all: 0, others: 0 };
      for (const client of ports) {
        const [local, peer] = end === 'request' ? [client, port] : [port, client];
        const own = exchanges.filter(({ localPort }) => localPort === client);
        const sent = again.filter(({ endpoints: e }) => e.localPort === local && e.peerPort === peer);
        compare(own, end, sent, counts);
      }
      const { found, all, others } = counts;
      t.diagnostic(
        `${end}s: ${found} of ${all} retransmissions have their span, ${others} have none to have`,
      );
      assert.ok(found > 50 && found >= all * 0.98, `${end}s: ${found} of ${all}`);
    }
    assert.deepEqual([...new Set(exchanges.map(({ flags }) => flags))].sort(), [0, 1, undefined]);
  });
});
