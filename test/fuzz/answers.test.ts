import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createDelivery } from '../../receiver/export/delivery.ts';
import { judgeFailure } from '../../receiver/export/failure.ts';
import type { SendResult } from '../../receiver/export/send-result.ts';
import type { SignalTarget } from '../../receiver/export/options.ts';
import { createSafeText } from '../../receiver/export/safe-text.ts';
import { createOtlpTransport, type OtlpTransport } from '../../receiver/export/transport.ts';
import { signalTarget } from '../support/export-settings.ts';
import { corpusOf, fuzz, inputsOf } from './fuzz.ts';
import { checkResult, checkShown, SECRET } from './oracles.ts';

const tokens = [
  '\r\n',
  'HTTP/1.1 200 OK\r\n',
  '503',
  'Retry-After: ',
  'Content-Length: 0',
  '\r\n\r\n',
  '99999999999',
];
const ITEMS = 1;
const headers = { 'x-key': SECRET };

/** One attempt to deliver over `transport`: what it came to, and every text that is shown of it. */
async function attempt(target: SignalTarget, transport: OtlpTransport): Promise<SendResult> {
  const told: string[] = [];
  let first: SendResult | undefined;
  const once: OtlpTransport = {
    ...transport,
    async send(request) {
      // A second attempt would be one without a wait: there is no time for one.
      if (first !== undefined) return { status: 'unencodable', cause: 'sent again' };
      return (first = await transport.send(request));
    },
  };
  const reachability = { failed: (_: string, __: string, cause: string) => void told.push(cause) };
  const delivery = createDelivery({
    target,
    transport: once,
    retry: { initialMs: 1, maxMs: 1 },
    reachability: { ...reachability, succeeded: () => undefined },
    safeText: createSafeText(target),
  });
  const end = await delivery.deliver({ bytes: new Uint8Array([10, 0]), items: ITEMS }, performance.now());
  told.push(end.status === 'taken' ? end.message : end.cause);
  assert.ok(first !== undefined);
  checkResult(first, ITEMS);
  assert.equal(end.status, first.status === 'retry' ? 'expired' : first.status);
  told.forEach(checkShown);
  return first;
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
  const url = `http://127.0.0.1:${String(port)}`;
  const seen = new Map<string, number>();
  try {
    const count = await fuzz(inputsOf(corpusOf('answers').map(onWire), tokens), async (input) => {
      answer = input;
      const options = { protocol: 'http/protobuf', endpoint: url, headers, timeoutMs: 2_000 } as const;
      const target = signalTarget('traces', options);
      const transport = createOtlpTransport(target);
      const result = await attempt(target, transport);
      transport.close();
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

test('gRPC statuses: a time to wait is a number, and what they say is shown short', async (t) => {
  let waits = 0;
  const target = signalTarget('traces', { headers });
  const count = await fuzz(inputsOf([retryInfo, Buffer.from(`bad key ${SECRET}`)]), async (input) => {
    const metadata = { get: () => [input] };
    for (const code of [3, 8, 14]) {
      const error = Object.assign(new Error(input.toString()), { code, details: '', metadata });
      const send = (): Promise<SendResult> => Promise.resolve(judgeFailure(error));
      const result = await attempt(target, { send, abort: () => undefined, close: () => undefined });
      if (result.status === 'retry' && result.afterMs > 0) waits += 1;
    }
  });
  t.diagnostic(`${String(count)} inputs, ${String(waits)} times to wait`);
  assert.ok(count > 100 && waits > 0);
});
