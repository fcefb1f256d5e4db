/** Run with --expose-gc: sampled connections through the real pipeline, and what its heap gained by them. */
import { loadConfig } from '../../config/index.ts';
import {
  CONNECTION_RECORD,
  CONNECTION_WHAT,
  RECORD_HEADER,
  TRACE_CONTEXT,
} from '../../receiver/decode/generated/layout.ts';
import { createExporters } from '../../receiver/export/exporters.ts';
import { exportSettings } from '../support/export-settings.ts';
import { waitingRecords } from '../support/waiting-records.ts';
import { Pipeline } from '../../receiver/agent/pipeline.ts';
import { batchOf, connectionRecord } from '../fixtures/records/write-records.ts';

const WARM_UP = 100_000;
/** More by hand: docs/testing.md. */
const CONNECTIONS = Number(process.env['WIRESPAN_TEST_OPERATIONS'] ?? 200_000);
/** Connections of one batch of the ring; each is open while the next batch's begin. */
const BATCH = 1_000;

const collectGarbage = globalThis.gc;
if (collectGarbage === undefined) throw new Error('run with --expose-gc');

/** Bytes of records: the handshakes of a batch, and the closes of the batch before it. */
const what = [
  CONNECTION_WHAT.CONNECTION_OPEN,
  CONNECTION_WHAT.CONNECTION_HANDSHAKE,
  CONNECTION_WHAT.CONNECTION_CLOSE,
];
const context = {
  startNs: 1n,
  startSeq: 1,
  flags: 1,
  found: 1,
  method: 1,
  traceId: Array<number>(16).fill(1),
  spanId: Array<number>(8).fill(1),
};
const records = what.map((each) =>
  connectionRecord({
    pid: 1,
    startNs: 1n,
    role: 1,
    peerPort: 80,
    netns: 7,
    local: [10, 0, 0, 1],
    peer: [10, 0, 0, 2],
    handshakeStartNs: 1n,
    establishedNs: 2n,
    what: each,
    context,
  }),
);
const bytes = batchOf(...Array.from({ length: BATCH }, () => records).flat());
const view = new DataView(bytes.buffer, bytes.byteOffset);
const stride = bytes.length / BATCH / records.length;

function fill(from: number): void {
  const now = process.hrtime.bigint();
  for (let i = 0; i < BATCH * records.length; i += 1) {
    const at = i * stride;
    const isClose = i % records.length === records.length - 1;
    const connection = from + Math.floor(i / records.length) - (isClose ? BATCH : 0);
    const cookie = BigInt(Math.max(1, connection + 1));
    view.setBigUint64(at + RECORD_HEADER.ts_ns, now, true);
    view.setBigUint64(at + CONNECTION_RECORD.cookie, cookie, true);
    view.setBigUint64(at + CONNECTION_RECORD.established_ns, now, true);
    view.setBigUint64(at + CONNECTION_RECORD.context + TRACE_CONTEXT.trace_id, cookie, true);
    view.setBigUint64(at + CONNECTION_RECORD.context + TRACE_CONTEXT.span_id, cookie, true);
  }
}

const { source, give } = waitingRecords();
const config = loadConfig({
  argv: [
    '--events.rate_limit=0',
    '--spans.rate_limit=0',
    '--spans.tcp.connection=correlated',
    '--export.queue_size=2048',
  ],
  env: {},
  readFile: () => '',
});
const queue = { queueSize: 2_048, batchSize: 1e9 };
const exporters = createExporters(
  exportSettings({
    endpoint: 'http://127.0.0.1:1',
    disabled: ['metrics'],
    queues: { traces: queue, logs: queue },
  }),
);
const pipeline = new Pipeline(source, config, {
  event: (event) => void exporters.addEvent(event),
  span: (span) => void exporters.addSpan(span),
});

async function churn(from: number, to: number): Promise<void> {
  for (let connection = from; connection < to; connection += BATCH) {
    fill(connection);
    give(bytes);
    pipeline.drain();
    pipeline.tick();
    if ((connection / BATCH) % 100 === 0) {
      pipeline.sweepEnded();
      pipeline.collect();
      await pipeline.exemplars.metrics.collect(BigInt(connection));
    }
  }
}

function heapBytes(): number {
  for (let i = 0; i < 2; i += 1) collectGarbage?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

await churn(0, WARM_UP);
const before = heapBytes();
await churn(WARM_UP, WARM_UP + CONNECTIONS);
const growth = heapBytes() - before;
const { spans, events } = pipeline.correlator.counters;
const { decoded, bad } = pipeline.decoded;
console.log(JSON.stringify({ growth, connections: WARM_UP + CONNECTIONS, decoded, bad, spans, events }));
process.exit(0);
