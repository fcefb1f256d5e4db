import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { startOtlpStub } from './otlp-stub.ts';
import { spanOf } from './records.ts';

const skip =
  spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl, to make certificates for one day';

/** An authority and one certificate for 127.0.0.1, which server and client share. */
function makeCertificates(folder: string): { ca: string; cert: string; key: string } {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): unknown =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', 'end.key', '-out', 'end.csr');
  writeFileSync(file('ext'), 'subjectAltName=IP:127.0.0.1\n');
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext'];
  openssl('x509', '-req', '-in', 'end.csr', ...signing, '-days', '1', '-out', 'end.pem');
  return { ca: file('ca.pem'), cert: file('end.pem'), key: file('end.key') };
}

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`${protocol}: TLS with the given authority and client certificate`, { skip }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'wirespan-tls-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const { ca, cert, key } = makeCertificates(folder);
    const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
    const stub = await startOtlpStub({ protocol, tls });
    const trusted = { protocol, endpoint: stub.url, caFile: ca };
    const mutual = createExporters({ ...trusted, clientCertificateFile: cert, clientKeyFile: key });
    mutual.addSpan(spanOf(1));
    await mutual.forceFlush();
    assert.equal(stub.spans().length, 1);
    await mutual.shutdown(1000);

    const states: string[] = [];
    for (const options of [trusted, { protocol, endpoint: stub.url }]) {
      // Without a client certificate, then without the authority: neither may get through.
      const stranger = createExporters(options, { onState: (state) => states.push(state) });
      stranger.addSpan(spanOf(2));
      while (states.length === 0) {
        void stranger.forceFlush();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal(states.pop(), 'unreachable');
      await stranger.shutdown(1);
      assert.equal(stranger.counters().traces.dropped.already_shutdown, 1);
    }
    assert.equal(stub.spans().length, 1);
    await stub.stop();
  });
}
