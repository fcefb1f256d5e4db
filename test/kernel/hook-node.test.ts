/** `wirespan/hook` in a Node client with the stock OpenTelemetry SDK, over TLS, with segments really lost. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeCertificates, withoutOpenssl } from '../support/certificates.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import { plain } from './rig/conversation.ts';
import { startHooked, type Running } from './rig/hooked-service.ts';
import type { Context } from '../support/traceparent.ts';

/** More of them by hand. */
const REQUESTS = Number(process.env['WIRESPAN_TEST_REQUESTS'] ?? 1_200);
const CONCURRENCY = 200;
/** One segment of so many to the server never arrives; a SYN has 60 bytes. */
const LOST_OF = 8;

/** As the client knew it; in the order in which responses ended. */
interface Request extends Context {
  readonly localPort: number;
  /** The bytes of its connection's stream that it wrote: from the first to before the second. */
  readonly from: number;
  readonly to: number;
  readonly endNs: string;
}

/**
 * A lost byte is sent again before its response ends, and the next request of its connection begins after that. The first has
 * the handshake as well.
 */
function ownerAt(stream: readonly Request[], timeNs: bigint): Request | undefined {
  const index = stream.findIndex(({ endNs }) => BigInt(endNs) >= timeNs);
  const owner = stream[index];
  return owner && (index === 0 ? { ...owner, from: 0 } : owner);
}

describe('a Node client with the hook', { skip: withoutOpenssl }, () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let watcher: Watcher | undefined;
  let ca = '';
  let port = 0;

  /** The service, in the room. */
  function start(args: readonly string[], isHooked: boolean): Running {
    const env = {
      NODE_EXTRA_CA_CERTS: ca,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    };
    return startHooked(cleanup, { room, name: 'https-service.ts', args, isHooked, env });
  }

  async function call(kind: 'https' | 'fetch', isHooked = true, requests = REQUESTS): Promise<Request[]> {
    const args = ['call', String(port), String(requests), String(CONCURRENCY), kind];
    const { out, ended } = start(args, isHooked);
    assert.equal(await ended, 0);
    const lines = out().trim().split('\n');
    assert.equal(lines.length, requests);
    return lines.map((line) => JSON.parse(line) as Request);
  }

  before(async () => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    const certificates = makeCertificates(cleanup.makeFolder());
    ({ ca } = certificates);
    const { out } = start(['serve', certificates.cert, certificates.key], false);
    await waitFor('the service to listen', () => out().endsWith('\n'));
    ({ port } = JSON.parse(out()) as { port: number });
    room.filter(`meta length > 60 tcp dport ${port} numgen random mod ${LOST_OF} == 0 drop`);
  });
  after(() => cleanup.run());

  /** What the retransmissions of the requests' connections are said to be of, against what the client knew. */
  function check(requests: readonly Request[]): { found: number; all: number; flags: ReadonlySet<number> } {
    const flags = new Set<number>();
    const streams = new Map<number, Request[]>();
    for (const request of requests)
      streams.set(request.localPort, [...(streams.get(request.localPort) ?? []), request]);
    const begins = new Map<number, number>();
    let [found, all] = [0, 0];
    for (const { endpoints, timeNs, seq, context } of watcher?.retransmits(room.inode) ?? []) {
      const { localPort, peerPort } = endpoints;
      const owner = ownerAt(streams.get(localPort) ?? [], timeNs);
      if (peerPort !== port || owner === undefined) continue;
      all += 1;
      if (context === undefined) continue;
      const { traceId, spanId, from, to } = owner;
      assert.deepEqual(plain(context), { traceId, spanId, flags: owner.flags });
      assert.equal(context.method, 'sdk_hook');
      assert.ok((seq - context.startSeq) >>> 0 < to - from, 'it is among the bytes that the request wrote');
      const begin = (context.startSeq - from) >>> 0;
      assert.equal(begins.get(localPort) ?? begin, begin, 'where the stream begins');
      begins.set(localPort, begin);
      flags.add(context.traceFlags);
      found += 1;
    }
    return { found, all, flags };
  }

  test('works as it does without the hook when nobody listens', async () => {
    await call('https', true, CONCURRENCY);
  });

  for (const kind of ['https', 'fetch'] as const)
    test(`${kind}: ${REQUESTS} requests over ${CONCURRENCY} connections, none on another's span`, async (t) => {
      watcher = new Watcher();
      // The ring holds some ten thousand records.
      const reading = setInterval(() => void watcher?.records(), 50);
      try {
        const requests = await call(kind);
        const { found, all, flags } = check(requests);
        t.diagnostic(`${found} of ${all} retransmissions have their request's span`);
        assert.ok(found > 100 && found >= all * 0.99, `${found} of ${all}`);
        assert.deepEqual([...flags].sort(), [0, 1], 'unsampled and sampled ones');
        assert.equal(watcher.count('PROBE_ANNOUNCE', 'MISS_INVALID'), 0);
      } finally {
        clearInterval(reading);
        watcher.close();
      }
    });
});
