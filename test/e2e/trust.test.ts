import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { makeCertificates, withoutOpenssl } from '../support/certificates.ts';
import { startOtlpStub } from '../support/otlp-stub.ts';
import { cleanEnvironment } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = new Cleanup();
after(() => cleanup.run());

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  it(
    `${protocol}: an authority that the system trusts needs no setting`,
    { skip: withoutOpenssl },
    async () => {
      const { ca, cert, key } = makeCertificates(cleanup.makeFolder());
      const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
      const stub = await startOtlpStub({ protocol, tls });
      cleanup.add(() => stub.stop());
      const { GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: _, ...environment } = cleanEnvironment({
        // Where OpenSSL looks for what the system trusts.
        SSL_CERT_FILE: ca,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT: stub.url,
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: cert,
        OTEL_EXPORTER_OTLP_CLIENT_KEY: key,
      });
      const agent = spawn(join(projectFolder, 'bin', 'wirespan'), ['run', '--output=none'], {
        env: environment,
        stdio: 'ignore',
      });
      const ended = once(agent, 'exit');
      cleanup.add(async () => {
        agent.kill();
        await ended;
      });
      await waitFor('the first event', () => stub.logRecords().length > 0);
      agent.kill();
      assert.deepEqual(await ended, [0, null]);
    },
  );
}
