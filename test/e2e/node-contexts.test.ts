/** A Node service with Datadog's tracer, which publishes its contexts: requests over TLS have their handshakes on their trace. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { AskedProgram } from '../support/asked-program.ts';
import { makeCertificates, withoutOpenssl } from '../support/certificates.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { fromNpm } from '../support/pinned-package.ts';
import { waitFor } from '../support/wait.ts';
import { observe } from './observe.ts';
import { findSpans, isMatch } from './otlp.ts';

const REQUESTS = 20;
const CONNECT = /^tcp connect/;
/** Nobody listens there. */
const TRACER_AGENT = 'http://127.0.0.1:1';
const NODE = { 'wirespan.correlation.method': 'node_ctx', 'wirespan.correlation.confidence': 'high' };

it(
  'requests over TLS that dd-trace 6.21.0 for Node publishes have their handshakes under their spans',
  { skip: withoutOpenssl, timeout: 180_000 },
  async () => {
    const cleanup = new Cleanup();
    try {
      const room = new NetNamespace();
      cleanup.add(() => room.remove());
      const { cert, key } = makeCertificates(cleanup.makeFolder());
      const observation = await observe(cleanup, {
        settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` },
      });
      const program = join(import.meta.dirname, '../publishers/traced.cjs');
      const service = new AskedProgram(
        ['ip', 'netns', 'exec', room.name, process.execPath, program, cert, key, TRACER_AGENT],
        { NODE_PATH: fromNpm('dd-trace', '6.21.0') },
      );
      cleanup.add(() => service.stop());
      await service.expect('listening');
      const ask = async (): Promise<readonly string[]> => (await service.answer('')).split('-').slice(1, 3);
      // It is met with its first connection, and how it publishes some milliseconds later.
      await waitFor('a handshake on a trace', async () => {
        await ask();
        return findSpans(observation.read().spans, CONNECT, { attributes: NODE }).length > 0;
      });
      const asked: (readonly string[])[] = [];
      for (let i = 0; i < REQUESTS; i += 1) asked.push(await ask());
      const { spans } = await observation.finish();
      for (const [traceId, spanId] of asked) {
        const own = findSpans(spans, CONNECT).filter((span) => span.traceId === traceId);
        const [connect, ...others] = own;
        assert.deepEqual([connect?.parentSpanId, others], [spanId, []]);
        assert.ok(connect !== undefined && isMatch(connect.attributes, NODE));
        assert.equal(connect.resource['service.name'], 'traced');
      }
    } finally {
      await cleanup.run();
    }
  },
);
