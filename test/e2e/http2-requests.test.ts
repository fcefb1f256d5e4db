/** Clients of plaintext HTTP/2, several streams at once: with `correlation.http2` what they send again is on the trace of its stream. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { runToEnd } from '../support/agent.ts';
import { AskedProgram } from '../support/asked-program.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { observe, type Output } from './observe.ts';
import { findEvents, findSpans, isMatch } from './otlp.ts';

const FOLDER = join(projectFolder, 'test', 'workloads', 'node-service');
const [CONNECTIONS, CALLS, PARALLEL] = [10, 100, 8];
/** One segment with payload of so many never arrives. */
const LOST_OF = 6;
const LINK = { 'wirespan.correlation.method': 'h2_header', 'wirespan.correlation.confidence': 'exact' };

/** As the client knew it. */
interface Stream {
  readonly localPort: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

describe('streams of HTTP/2', () => {
  const cleanup = new Cleanup();
  const streams = new Map<string, Stream>();
  let output: Output;
  let port: number;

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const inRoom = ['netns', 'exec', room.name, process.execPath] as const;
    const { finish } = await observe(cleanup, {
      settings: {
        WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`,
        WIRESPAN_CORRELATION_HTTP2: 'on',
      },
    });
    const relay = new AskedProgram(['ip', ...inRoom, join(FOLDER, 'h2-relay.ts'), 'http2']);
    cleanup.add(() => relay.stop());
    port = Number(await relay.answer(''));
    room.filter(`tcp dport ${port} meta length > 60 numgen random mod ${LOST_OF} == 0 drop`);
    const numbers = [CONNECTIONS, CALLS, PARALLEL].map(String);
    const call = [join(FOLDER, 'h2-service.ts'), 'call', 'http2', String(port), '/dev/null', ...numbers];
    const { code, stdout, stderr } = await runToEnd('ip', [...inRoom, ...call], {
      env: {},
      withinMs: 60_000,
    });
    assert.equal(code, 0, stderr);
    for (const line of stdout.trim().split('\n')) {
      const stream = JSON.parse(line) as Stream;
      streams.set(stream.spanId, stream);
    }
    output = await finish();
  });
  after(() => cleanup.run());

  it('have events of what is sent again, each of a stream of its connection', (t) => {
    const events = findEvents(output.logs, 'wirespan.tcp.retransmit', {
      attributes: { 'network.peer.port': port },
    }).filter(({ attributes }) => attributes['wirespan.tcp.retransmit.type'] !== 'syn');
    const linked = events.filter(({ traceId }) => traceId !== '');
    t.diagnostic(`${linked.length} of ${events.length} are of a stream`);
    assert.equal(streams.size, CONNECTIONS * CALLS);
    for (const { traceId, spanId, attributes } of linked) {
      const stream = streams.get(spanId);
      assert.equal(traceId, stream?.traceId);
      assert.equal(attributes['network.local.port'], stream?.localPort);
      assert.ok(isMatch(attributes, LINK));
    }
    // Frames of the connection itself are nobody's.
    assert.ok(
      linked.length > 20 && linked.length > 0.9 * events.length,
      `${linked.length} of ${events.length}`,
    );
  });

  it('have spans of it where they are sampled, and nowhere else', () => {
    const spans = findSpans(output.spans, /^tcp retransmit/);
    const sampled = new Set(
      [...streams.values()].filter(({ flags }) => flags === 1).map(({ spanId }) => spanId),
    );
    const events = findEvents(output.logs, 'wirespan.tcp.retransmit').filter(({ spanId }) =>
      sampled.has(spanId),
    );
    assert.deepEqual(
      new Set(spans.map(({ parentSpanId }) => parentSpanId)),
      new Set(events.map(({ spanId }) => spanId)),
    );
    for (const { traceId, parentSpanId } of spans) assert.equal(traceId, streams.get(parentSpanId)?.traceId);
    assert.ok(spans.length > 5, String(spans.length));
  });

  it('are exported as the registry says', () => assert.deepEqual(checkAgainstRegistry(output.lines), []));
});
