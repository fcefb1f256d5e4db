import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

const SECRET = 'hunter2hunter2';
const cleanup = new Cleanup();
after(() => cleanup.run());

/** A collector that takes every other request and repeats what it was sent in its refusals. */
async function startEcho(): Promise<{ port: number; bodies: Buffer[]; isSecretSent: () => boolean }> {
  const bodies: Buffer[] = [];
  let isSecretSent = false;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const nth = bodies.push(gunzipSync(Buffer.concat(chunks)));
      const key = String(request.headers['x-key']);
      isSecretSent ||= key === SECRET && (request.url ?? '').includes(SECRET);
      const words = `no ${key} ${String(request.headers.authorization)} ${request.url ?? ''}`;
      response.writeHead(nth % 2 === 0 ? 200 : nth % 4 === 1 ? 401 : 503, words).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.add(() => server.close().closeAllConnections());
  return { port: (server.address() as AddressInfo).port, bodies, isSecretSent: () => isSecretSent };
}

it('a running agent shows no secret in its log, its table and its telemetry', async () => {
  const { port, bodies, isSecretSent } = await startEcho();
  const file = join(cleanup.makeFolder(), 'wirespan.yaml');
  const endpoint = `http://user:${SECRET}@127.0.0.1:${port}/${SECRET}?api_key=${SECRET}#${SECRET}`;
  writeFileSync(file, `otlp: {headers: {x-key: ${SECRET}}}\n`);
  const agent = await startAgent(
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
      WIRESPAN_OUTPUT: 'table',
      WIRESPAN_LOG_LEVEL: 'trace',
      WIRESPAN_SHUTDOWN_DEADLINE: '2s',
    },
    ['run', '--config', file],
  );
  cleanup.add(() => agent.kill());
  const said = (start: string): boolean => agent.log().some(({ msg }) => msg.startsWith(start));
  await waitFor('a refusal to be told', () => said('no collector answers') || said('the collector rejected'));
  writeFileSync(file, `otlp: {headers: [${SECRET}`);
  process.kill(agent.pid, 'SIGHUP');
  await waitFor('the bad settings to be told', () => said('the settings stay as they are'));
  writeFileSync(file, `otlp: {headers: {x-key: ${SECRET}${SECRET}}}\n`);
  process.kill(agent.pid, 'SIGHUP');
  await waitFor('the new settings to be told', () => said('needs a restart'));
  await waitFor('requests that were taken', () => bodies.length >= 6);
  const { stdout, stderr, code } = await agent.stop();
  assert.equal(code, 0);
  assert.ok(isSecretSent(), 'the collector got the secrets');
  assert.match(stdout, new RegExp(`http://127\\.0\\.0\\.1:${port} `), 'the table shows the origin');
  assert.match(stderr, /\[hidden\]/, 'what the collector repeated is taken out');
  for (const [name, text] of Object.entries({ stdout, stderr }))
    assert.ok(
      !text.includes(SECRET),
      `${name}: ${text.split('\n').find((line) => line.includes(SECRET)) ?? ''}`,
    );
  for (const body of bodies) assert.equal(body.indexOf(SECRET), -1, 'telemetry');
});
