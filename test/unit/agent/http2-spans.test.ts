import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../config/index.ts';
import { Pipeline } from '../../../receiver/agent/pipeline.ts';
import type { NetworkSpan } from '../../../receiver/model/event.ts';
import { http2Record } from '../../fixtures/records/write-http2.ts';
import { batchOf, dropRecord, retransmitRecord } from '../../fixtures/records/write-records.ts';
import { SOCKET } from '../../support/decode-one.ts';
import { newContext, valueOf } from '../../support/traceparent.ts';
import { waitingRecords } from '../../support/waiting-records.ts';

/** Spans of a connection that wrote a request on stream 1, and of which something was sent again and dropped. */
function spansOf(http2: 'on' | 'off', context = newContext()): NetworkSpan[] {
  const { source, give } = waitingRecords();
  const config = loadConfig({ argv: [`--correlation.http2=${http2}`], env: {}, readFile: () => '' });
  const spans: NetworkSpan[] = [];
  const outlets = { event: () => undefined, span: (span: NetworkSpan) => void spans.push(span) };
  const pipeline = new Pipeline(source, config, outlets);
  const bytes = Buffer.from(`\x82\0\x0btraceparent\x37${valueOf(context)}`, 'latin1');
  const { cookie, netns, timeNs } = SOCKET;
  const drop = dropRecord({ timeNs, cookie, netns, localPort: 1, peerPort: 2, stream: 1, reason: 3 });
  const records = [
    http2Record({ timeNs: timeNs - 9n, cookie, netns, stream: 1, bytes }),
    retransmitRecord({ ...SOCKET, type: 1, segments: 1, stream: 1 }),
    retransmitRecord({ ...SOCKET, type: 1, segments: 1, stream: 3 }),
    drop,
  ];
  give(new Uint8Array(batchOf(...records)));
  pipeline.drain();
  pipeline.stop();
  return spans;
}

test('what is lost of an HTTP/2 stream is a span under the one in its header block, where it is asked for', () => {
  const context = newContext();
  const spans = spansOf('on', context);
  assert.deepEqual(spans.map(({ name }) => name).sort(), ['tcp drop', 'tcp retransmit']);
  for (const { traceId, parentSpanId, attributes } of spans) {
    assert.deepEqual([traceId, parentSpanId], [context.traceId, context.spanId]);
    assert.equal(attributes['wirespan.correlation.method'], 'h2_header');
    assert.equal(attributes['wirespan.correlation.confidence'], 'exact');
  }
  assert.deepEqual(spansOf('off', context), []);
});
