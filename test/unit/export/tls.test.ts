import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { makeCertificates, withoutOpenssl } from '../../support/certificates.ts';
import { exportSettings } from '../../support/export-settings.ts';
import { startOtlpStub } from '../../support/otlp-stub.ts';
import { spanOf } from '../../support/items.ts';

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(
    `${protocol}: TLS with the given authority and client certificate`,
    { skip: withoutOpenssl },
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'wirespan-tls-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const { ca, cert, key } = makeCertificates(folder);
      const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
      const stub = await startOtlpStub({ protocol, tls });
      const trusted = { protocol, endpoint: stub.url, certificate: ca };
      const mutual = createExporters(exportSettings({ ...trusted, clientCertificate: cert, clientKey: key }));
      mutual.addSpan(spanOf(1));
      await mutual.forceFlush();
      assert.equal(stub.spans().length, 1);
      await mutual.shutdown(1000);

      const states: string[] = [];
      for (const given of [trusted, { protocol, endpoint: stub.url }]) {
        // Without a client certificate, then without the authority: neither may get through.
        const stranger = createExporters(exportSettings(given), { onState: (state) => states.push(state) });
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
    },
  );
}
