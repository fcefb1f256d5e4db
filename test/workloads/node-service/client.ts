/**
 * client.ts PORT REQUESTS CONCURRENCY [PATIENCE]: an instrumented client with HTTP keep-alive. Sends GET /r/0, /r/1 … with
 * at most CONCURRENCY on the way, each in a trace of its own, and prints the truth: a JSON line for each request with
 * the ids that its header carried. After PATIENCE milliseconds it gives a request up: its status is 0 then.
 */
import type { IncomingMessage } from 'node:http';
import { startTelemetry } from './telemetry.ts';

const [port = 0, requests = 0, concurrency = 1, patienceMs = 0] = process.argv.slice(2).map(Number);
const { http, clientSpans, shutdown } = startTelemetry();
const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });

interface Done {
  readonly id: string;
  readonly status: number;
  readonly localPort: number;
  readonly startMs: number;
  readonly endMs: number;
}

function send(id: string): Promise<Done> {
  const startMs = Date.now();
  return new Promise((resolve, reject) => {
    let localPort = 0;
    const request = http.get({ host: '127.0.0.1', port, path: id, agent }, (response: IncomingMessage) => {
      localPort = response.socket.localPort ?? 0;
      response.resume();
      response.once('error', reject);
      response.once('end', () =>
        resolve({ id, status: response.statusCode ?? 0, localPort, startMs, endMs: Date.now() }),
      );
    });
    if (patienceMs === 0) {
      request.once('error', reject);
      return;
    }
    setTimeout(() => request.destroy(), patienceMs);
    request.once('error', () => resolve({ id, status: 0, localPort, startMs, endMs: Date.now() }));
  });
}

const done = await Promise.all(Array.from({ length: requests }, (_, index) => send(`/r/${index}`)));
for (const one of done) process.stdout.write(`${JSON.stringify({ ...one, ...clientSpans.get(one.id) })}\n`);
agent.destroy();
await shutdown();
