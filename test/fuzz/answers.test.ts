import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { judgeFailure, type SendResult } from '../../receiver/export/failure.ts';
import { settleEndpoint } from '../../receiver/export/options.ts';
import { createOtlpTransport } from '../../receiver/export/transport.ts';
import { corpusOf, fuzz, inputsOf } from './fuzz.ts';

const tokens = [
  '\r\n',
  'HTTP/1.1 200 OK\r\n',
  '503',
  'Retry-After: ',
  'Content-Length: 0',
  '\r\n\r\n',
  '99999999999',
];
const statuses = ['taken', 'rejected', 'unencodable', 'retry'];

/** Partly taken, and when it may come again, are numbers that can be counted and waited with. */
function checkResult(result: SendResult): void {
  assert.ok(statuses.includes(result.status), result.status);
  if (result.status === 'taken')
    assert.ok(Number.isSafeInteger(result.rejected) && result.rejected >= 0, String(result.rejected));
  if (result.status === 'retry')
    assert.ok(Number.isFinite(result.afterMs) && result.afterMs >= 0, String(result.afterMs));
}

/** Files are as they go over the wire, with a plain end of line for each CR LF of the head. */
function onWire(file: Buffer): Buffer {
  const text = file.toString('latin1');
  const end = text.indexOf('\n\n');
  const head = text.slice(0, end).replaceAll('\n', '\r\n');
  return Buffer.from(`${head}\r\n\r\n${text.slice(end + 2)}`, 'latin1');
}

test('answers over HTTP: whatever comes is a result, within the time of an attempt', async (t) => {
  let answer: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${String(port)}`;
  const seen = new Map<string, number>();
  try {
    const count = await fuzz(inputsOf(corpusOf('answers').map(onWire), tokens), async (input) => {
      answer = input;
      const options = { protocol: 'http/protobuf', endpoint, timeoutMs: 2_000 } as const;
      const transport = createOtlpTransport(settleEndpoint(options, 'traces'));
      const result = await transport.send({ bytes: new Uint8Array([10, 0]), items: 1 });
      transport.close();
      checkResult(result);
      seen.set(result.status, (seen.get(result.status) ?? 0) + 1);
    });
    t.diagnostic(`${String(count)} inputs: ${JSON.stringify([...seen])}`);
    assert.ok(count > 20 && seen.has('taken') && seen.has('retry') && seen.has('rejected'));
  } finally {
    server.close();
  }
});

/** `google.rpc.Status` with a RetryInfo of 1.5 s, as gRPC's metadata has it. */
const retryInfo = Buffer.concat([
  Buffer.from([0x08, 0x08, 0x12, 0x04, ...Buffer.from('full'), 0x1a, 0x34, 0x0a, 0x28]),
  Buffer.from('type.googleapis.com/google.rpc.RetryInfo'),
  Buffer.from([0x12, 0x08, 0x0a, 0x06, 0x08, 0x01, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]),
]);

test('details of a status over gRPC: a time to wait is a number, or there is none', async (t) => {
  let waits = 0;
  const count = await fuzz(inputsOf([retryInfo, Buffer.alloc(0)]), (input) => {
    const metadata = { get: () => [input] };
    for (const code of [8, 14]) {
      const error = Object.assign(new Error('full'), { code, details: 'full', metadata });
      const result = judgeFailure(error);
      checkResult(result);
      if (result.status === 'retry' && result.afterMs > 0) waits += 1;
    }
  });
  t.diagnostic(`${String(count)} inputs, ${String(waits)} times to wait`);
  assert.ok(count > 100 && waits > 0);
});
