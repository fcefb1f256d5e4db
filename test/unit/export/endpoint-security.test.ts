import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EndpointError } from '../../../receiver/export/endpoint-error.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { exportSettings, type ExportGiven } from '../../support/export-settings.ts';

/** The one sentence with which the exporters refuse these settings. */
function refusalOf(given: ExportGiven): string {
  try {
    createExporters(exportSettings(given));
  } catch (error) {
    assert.ok(error instanceof EndpointError, String(error));
    assert.equal(error.exitCode, 2);
    return error.message;
  }
  return assert.fail('these settings were taken');
}

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  const https = { protocol, endpoint: 'https://127.0.0.1:9' };

  test(`${protocol}: a certificate file that cannot be used is refused at the start`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'wirespan-pem-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const noPem = join(folder, 'no.pem');
    writeFileSync(noPem, 'not a certificate\n');
    assert.match(
      refusalOf({ ...https, certificate: '/nonexistent.pem' }),
      /"\/nonexistent\.pem" does not exist/,
    );
    assert.match(refusalOf({ ...https, certificate: noPem }), /no\.pem.*cannot be used/);
    assert.match(
      refusalOf({ ...https, clientCertificate: noPem, clientKey: noPem }),
      /client certificate.*no\.pem.*cannot be used/,
    );
  });

  test(`${protocol}: a header that cannot be sent is refused by its name, its value stays secret`, () => {
    const refusal = refusalOf({ protocol, headers: { 'x-key': 'secret€' } });
    assert.match(refusal, /"x-key"/);
    assert.doesNotMatch(refusal, /secret/);
  });
}

for (const proxy of [
  'user:word@proxy:3128',
  'https://user:word@proxy:3128',
  'http://us%er:word@proxy:3128',
]) {
  test(`a proxy that cannot be used is refused by its variable: ${proxy}`, (t) => {
    t.after(() => delete process.env['https_proxy']);
    process.env['https_proxy'] = proxy;
    for (const protocol of ['grpc', 'http/protobuf'] as const) {
      const refusal = refusalOf({ protocol, endpoint: 'https://collector.example:9' });
      assert.match(refusal, /^The proxy in the variable https_proxy is not a URL/);
      assert.doesNotMatch(refusal, /word/);
    }
  });
}
