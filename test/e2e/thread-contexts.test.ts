/** An application whose threads publish their context (OTEP 4719 and 4947) has its connects on its trace, refused ones too. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { publish, PUBLISHER, SCHEMA } from '../support/thread-context.ts';
import { newContext, type Context } from '../support/traceparent.ts';
import { waitFor } from '../support/wait.ts';
import type { SpanEntry } from '../backends/otlp.ts';
import { observe, type Output } from './observe.ts';
import { findSpans, isMatch } from './otlp.ts';

const THREAD = { 'wirespan.correlation.method': 'thread_ctx', 'wirespan.correlation.confidence': 'high' };

describe('threads that publish', () => {
  const cleanup = new Cleanup();
  let output: Output;
  const [opened, refused, unsampled] = [newContext(), newContext(), newContext(0)];

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const script = TcpScript.start(room, { program: PUBLISHER, env: { OTEL_SERVICE_NAME: 'publisher' } });
    cleanup.add(() => script.stop());
    const { listener, port } = await script.listen();
    const { listener: closed, port: closedPort } = await script.listen();
    await script.run('close', closed);
    await script.run('publisher', 0, '-', SCHEMA);
    const observation = await observe(cleanup, {
      settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` },
    });
    const connect = async (context: Context, to: number): Promise<void> => {
      const client = script.next();
      await publish(script, context);
      await script.run('socket', client, 0);
      if (to === closedPort) await assert.rejects(script.run('connect', client, to));
      else await script.run('connect', client, to);
      await publish(script, undefined);
      await script.run('close', client);
      if (to === port) await script.run('accept', script.next(), listener);
    };
    // It is met with its first connection, and what its threads publish some milliseconds later.
    await waitFor('a connection on its trace', async () => {
      const first = newContext();
      await connect(first, port);
      return findSpans(observation.read().spans, /^tcp connect/, { attributes: THREAD }).length > 0;
    });
    for (const [context, to] of [
      [opened, port],
      [refused, closedPort],
      [unsampled, port],
    ] as const)
      await connect(context, to);
    output = await observation.finish();
  });
  after(() => cleanup.run());

  const spansOf = ({ traceId }: Context): SpanEntry[] =>
    output.spans.filter((span) => span.traceId === traceId);

  it('have their handshake under the span that they were within', () => {
    const [span, ...others] = spansOf(opened);
    assert.deepEqual(
      [span?.name.startsWith('tcp connect'), span?.parentSpanId, others],
      [true, opened.spanId, []],
    );
    assert.ok(span !== undefined && isMatch(span.attributes, THREAD));
    assert.equal(span.resource['service.name'], 'publisher');
  });

  it('have a refused connect there as well', () => {
    const [span, ...others] = spansOf(refused);
    assert.deepEqual(
      [span?.name.startsWith('tcp connect'), span?.parentSpanId, others],
      [true, refused.spanId, []],
    );
    assert.equal(span?.attributes['error.type'], 'connection_refused');
  });

  it('have no span in a trace that is not sampled', () => {
    assert.deepEqual(spansOf(unsampled), []);
  });
});
