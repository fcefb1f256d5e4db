import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { experimental, logVerbosity, status } from '@grpc/grpc-js';
import { NativeError } from '../../native/index.ts';
import { createLog } from '../../receiver/cli/log.ts';
import { renderTable } from '../../receiver/cli/table.ts';
import { createExporters } from '../../receiver/export/exporters.ts';
import { exportSettings, type ExportGiven } from '../support/export-settings.ts';
import { row } from './cli/rows.ts';
import { messageOf } from './config/sources.ts';
import { makeCertificates, withoutOpenssl } from '../support/certificates.ts';
import { startOtlpStub, type StubReply } from '../support/otlp-stub.ts';
import { eventOf, spanOf } from '../support/items.ts';

/** Clears a screen, fakes a line of the log, turns what follows around, and is long. */
const HOSTILE = `\x1b[2J\nFATAL: fake\r\x07\u202E${'x'.repeat(20_000)}`;
/** The longest line that a person should have to read. */
const MAX_CHARS = 5_000;

function assertHarmless(text: string): void {
  assert.doesNotMatch(text, /[\p{C}\p{Zl}\p{Zp}]/u);
  assert.ok(text.length > 0 && text.length < MAX_CHARS, `${text.length} characters`);
}

/** What an exporter tells of spans and events that it cannot get rid of. */
async function toldBy(given: ExportGiven): Promise<string[]> {
  const told: string[] = [];
  const queues = { traces: { timeoutMs: 1 }, logs: { timeoutMs: 1 } };
  const exporters = createExporters(exportSettings({ retry: { initialMs: 1, maxMs: 2 }, queues, ...given }), {
    onState: (_, __, cause) => told.push(cause),
    onRejected: (_, __, cause) => told.push(cause),
  });
  exporters.addSpan(spanOf(1));
  exporters.addEvent(eventOf(1));
  await exporters.forceFlush();
  await exporters.shutdown(1000);
  assert.ok(told.length > 0, 'something was said');
  return told;
}

async function listen(server: Server, t: TestContext): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe('a text of a collector is told short, and harmless:', () => {
  for (const code of [400, 503]) {
    it(`HTTP status ${code}`, async (t) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket
          .resume()
          .end(`HTTP/1.1 ${code} \u009b2J ${'x'.repeat(10_000)}\r\ncontent-length: 0\r\n\r\n`, 'latin1');
      });
      const told = await toldBy({
        protocol: 'http/protobuf',
        endpoint: `http://127.0.0.1:${await listen(server, t)}`,
      });
      for (const cause of told) {
        assert.match(cause, new RegExp(`^HTTP ${code} .*more characters`));
        assertHarmless(cause);
      }
    });
  }

  it('no HTTP at all', async (t) => {
    const server = createServer((socket) => void socket.on('error', () => undefined).end(HOSTILE));
    const port = await listen(server, t);
    for (const protocol of ['http/protobuf', 'grpc'] as const) {
      for (const scheme of ['http', 'https'])
        for (const cause of await toldBy({ protocol, endpoint: `${scheme}://127.0.0.1:${port}` }))
          assertHarmless(cause);
    }
  });

  const long = HOSTILE.slice(0, 5_000);
  const replies: Readonly<Record<string, StubReply>> = {
    'gRPC status': { kind: 'error', code: status.INVALID_ARGUMENT, details: long },
    'gRPC status that is retried': { kind: 'error', code: status.UNAVAILABLE, details: long },
    'partial success': { kind: 'ok', rejected: 1, message: HOSTILE },
  };
  for (const [name, reply] of Object.entries(replies)) {
    for (const protocol of ['grpc', 'http/protobuf'] as const) {
      if (name.startsWith('gRPC') && protocol !== 'grpc') continue;
      it(`${name}, over ${protocol}`, async () => {
        const stub = await startOtlpStub({ protocol, reply: () => reply });
        for (const cause of await toldBy({ protocol, endpoint: stub.url })) {
          assert.match(cause, /FATAL: fake/);
          assertHarmless(cause);
        }
      });
    }
  }

  it('the names in its certificate', { skip: withoutOpenssl }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'wirespan-names-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const names = Array.from({ length: 150 }, (_, i) => `DNS:${'n'.repeat(50)}${i}`).join(',');
    const { ca, cert, key } = makeCertificates(folder, names);
    const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
    for (const protocol of ['grpc', 'http/protobuf'] as const) {
      const stub = await startOtlpStub({ protocol, tls });
      const own = { certificate: ca, clientCertificate: cert, clientKey: key };
      for (const cause of await toldBy({ protocol, endpoint: stub.url, ...own })) {
        assert.match(cause, /not (match|in the cert)|altnames/);
        assertHarmless(cause);
      }
    }
  });

  it('the lines that the gRPC library writes by itself, each once', async () => {
    const lines: string[] = [];
    const exporters = createExporters(exportSettings(), { onLibrary: (line) => lines.push(line) });
    for (let i = 0; i < 3; i += 1) experimental.log(logVerbosity.ERROR, HOSTILE);
    for (let i = 0; i < 100; i += 1) experimental.log(logVerbosity.ERROR, `line ${i}`);
    experimental.log(logVerbosity.DEBUG, 'authorization: of a trace');
    await exporters.shutdown(0);
    assert.equal(lines.length, 20);
    for (const line of lines) assertHarmless(line);
  });
});

describe('a text of the user is repeated short, and harmless:', () => {
  const mistakes = {
    'a value in the file': { yaml: `addresses: ${JSON.stringify(HOSTILE)}` },
    'a key of the file': { yaml: `${JSON.stringify(HOSTILE.slice(0, 1000))}: 1` },
    'a text that is no YAML': { yaml: `addresses: [${HOSTILE}` },
    'a document that is no map': { yaml: JSON.stringify(HOSTILE) },
    'the name of the file': { argv: ['--config', `/nonexistent/${HOSTILE.replaceAll('\n', '')}`] },
    'a value of a variable': { env: { WIRESPAN_ADDRESSES: HOSTILE } },
    'the name of a variable': { env: { [`WIRESPAN_${HOSTILE}`]: 'on' } },
    'a value of a flag': { argv: ['--log.level', HOSTILE] },
    'the name of a flag': { argv: [`--${HOSTILE}=1`] },
    'a rule of a filter': { argv: ['--filter.include', `[{${JSON.stringify(HOSTILE.slice(0, 900))}: 1}]`] },
    'a network': { env: { WIRESPAN_SUBNETS: HOSTILE } },
    'all at once': {
      yaml: `addresses: ${JSON.stringify(HOSTILE)}\nlog.level: ${JSON.stringify(HOSTILE)}`,
      env: { [`WIRESPAN_${HOSTILE}`]: 'on', WIRESPAN_SUBNETS: HOSTILE, WIRESPAN_OUTPUT: HOSTILE },
      argv: [`--${HOSTILE}=1`, '--series.limit', HOSTILE],
    },
  };
  for (const [name, given] of Object.entries(mistakes)) {
    it(name, () => {
      const lines = messageOf(given).split('\n');
      assert.ok(lines.length <= 6);
      for (const line of lines) {
        assertHarmless(line);
        assert.ok(line.length < 700, line);
      }
    });
  }
});

describe('whatever is logged is short, and harmless:', () => {
  const failure = new NativeError(HOSTILE, {
    code: 'ERR_NATIVE_LOAD',
    step: 'load',
    verifierLog: HOSTILE.repeat(50),
  });
  const lines: Readonly<Record<string, (log: ReturnType<typeof createLog>) => void>> = {
    'a value': (log) => log.warn({ cause: HOSTILE }, 'said'),
    'a name': (log) => log.warn({ [HOSTILE]: 1 }, 'said'),
    'values in values': (log) => log.warn({ a: [{ b: [HOSTILE] }] }, 'said'),
    'many values': (log) => log.warn({ a: Array.from({ length: 5_000 }, () => 'xy') }, 'said'),
    'a sentence': (log) => log.warn(HOSTILE),
    'a sentence with values': (log) => log.warn({ a: 1 }, HOSTILE),
    'an error': (log) => log.error(failure),
    'an error with a sentence': (log) => log.error({ err: failure }, 'failed'),
  };
  for (const [name, say] of Object.entries(lines)) {
    it(`${name}, for machines and for people`, () => {
      for (const isTerminal of [false, true]) {
        let text = '';
        say(createLog({ level: 'info', isTerminal, stream: { write: (line) => (text += line) } }));
        // Colours are the log's own; a stack has lines of its own.
        const shown = text
          .replaceAll(/\x1b\[\d+m/g, '')
          .trimEnd()
          .replaceAll('\n    ', ' ');
        assertHarmless(shown);
        assert.ok(text.startsWith('{') || /WARN|ERROR/.test(shown));
      }
    });
  }

  it('a name in the table', () => {
    const process = HOSTILE.replace('\n', '');
    const table = renderTable([row({ process, state: HOSTILE })], {
      width: 200,
      height: 24,
      now: new Date(0),
      status: HOSTILE,
      groupBy: 'command',
    });
    for (const line of table.split('\n').filter((text) => text !== '')) assertHarmless(line);
  });
});
