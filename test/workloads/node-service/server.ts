/**
 * server.ts: an instrumented HTTP service on 127.0.0.1 that answers every request with its path. Prints
 * {"port":N} when it listens; ends on SIGTERM after the last span was exported.
 */
import type { AddressInfo } from 'node:net';
import { startTelemetry } from './telemetry.ts';

/**
 * How long an answer takes, in milliseconds. The SDK rounds the ends of its spans down to a millisecond: without it, a
 * retransmission right before the answer could lie after the end of its own request's span, and Jaeger would warn of it.
 */
const WORK_MS = 5;

const { http, shutdown } = startTelemetry();

const server = http.createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    setTimeout(() => {
      response.setHeader('content-type', 'text/plain');
      response.end(`${request.url}\n`);
    }, WORK_MS);
  });
});
server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});

process.once('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => void shutdown().finally(() => process.exit(0)));
});
