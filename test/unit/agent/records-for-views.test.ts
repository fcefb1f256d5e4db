import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../config/index.ts';
import { Pipeline } from '../../../receiver/agent/pipeline.ts';
import { RECORD_HEADER, RECORD_READER } from '../../../receiver/decode/generated/layout.ts';
import type { NetworkEvent, NetworkSpan } from '../../../receiver/model/event.ts';
import { batchOf, connectionRecord, dropRecord, stateRecord } from '../../fixtures/records/write-records.ts';
import { CONTEXT, SOCKET } from '../../support/decode-one.ts';
import { waitingRecords } from '../../support/waiting-records.ts';

const CLOSE = 4;
const FAIL = 3;

/** What leaves of these records when every event and span is on, and how many were counted. */
function leavingOf(records: readonly Uint8Array[]): { left: string[]; decoded: number; exemplars: number } {
  const { source, give } = waitingRecords();
  const argv = [
    ...['tcp.connection.close', 'tcp.connection.fail', 'tcp.state.change', 'packet.drop'].map(
      (name) => `--events.${name}=on`,
    ),
    ...[
      '--spans.tcp.connection=always',
      '--spans.tcp.connect=always',
      '--otlp.metrics.exemplar_filter=always_on',
    ],
  ];
  const config = loadConfig({ argv, env: {}, readFile: () => '' });
  const left: string[] = [];
  const pipeline = new Pipeline(source, config, {
    event: ({ name }: NetworkEvent) => void left.push(name),
    span: ({ name }: NetworkSpan) => void left.push(name),
  });
  let exemplars = 0;
  const { see } = pipeline.exemplars;
  pipeline.exemplars.see = (record) => {
    exemplars += 1;
    see(record);
  };
  give(new Uint8Array(batchOf(...records)));
  pipeline.drain();
  pipeline.stop();
  return { left: left.sort(), decoded: pipeline.decoded.decoded, exemplars };
}

test('a record that was made for views alone is counted, and becomes no event, no span and no exemplar', () => {
  const context = CONTEXT;
  const records = [
    connectionRecord({ ...SOCKET, what: CLOSE, handshakeStartNs: 1n, establishedNs: 2n, context }),
    connectionRecord({ ...SOCKET, what: FAIL, handshakeStartNs: 1n, error: 111, context }),
    stateRecord({ ...SOCKET, state: 7, previous: 8 }),
    dropRecord({ ...SOCKET, reason: 3 }),
  ];
  const plain = leavingOf(records);
  assert.ok(plain.left.length >= records.length, plain.left.join());
  assert.equal(plain.exemplars, records.length);
  const marked = records.map((record) => {
    const copy = Buffer.from(record);
    copy.writeUInt32LE(
      (copy.readUInt32LE(RECORD_HEADER.kind) | RECORD_READER.FOR_VIEWS) >>> 0,
      RECORD_HEADER.kind,
    );
    return copy;
  });
  assert.deepEqual(leavingOf(marked), { left: [], decoded: records.length, exemplars: 0 });
});
