import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { BodyForm } from '../export/body-form.ts';
import { statusOf } from '../export/rpc-status.ts';
import { listeningAs, SIGNALS, type TapEndpoint } from './endpoint.ts';
import { readBody } from './http-body.ts';
import { countRefused, listen, type ServerAddress } from '../serve/listen.ts';
import type { TapOptions } from './options.ts';
import { FORWARDED_BY, type TapAnswer, type TapRefusal, type TapSink } from './request.ts';
import type { Room } from './room.ts';
import { plainAddress } from './span-fields.ts';

/** SDKs send every 5 to 60 s over a connection that they keep. */
const KEEP_ALIVE_MS = 120_000;
const REQUEST_MS = 30_000;
const HEADERS_MS = 10_000;

const types: readonly BodyForm['type'][] = ['application/x-protobuf', 'application/json'];

const codes: Readonly<Record<TapRefusal['status'], number>> = {
  retry: 503,
  loop: 508,
  too_large: 413,
  unsupported: 415,
};

/** Serves OTLP over HTTP, protobuf and JSON. A body is handed on as it came. Throws a ListenError. */
export async function startHttpEndpoint(
  address: ServerAddress,
  options: TapOptions,
  sink: TapSink,
  room: Room,
): Promise<TapEndpoint> {
  const times = { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS, headersTimeout: HEADERS_MS };
  const { maxRequestBytes } = options;
  const server = createServer(times, (request, response) => {
    void handle(request, response, { sink, room, maxRequestBytes });
  });
  server.maxConnections = options.maxConnections;
  const port = await listen(server, address, listeningAs('http'));
  return {
    port,
    refusedConnections: countRefused(server),
    stopAccepting: () => void server.close(),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Parts {
  readonly sink: TapSink;
  readonly room: Room;
  readonly maxRequestBytes: number;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { sink, room, maxRequestBytes }: Parts,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0];
  const signal = SIGNALS.find((name) => path === `/v1/${name}`);
  const { headers } = request;
  const given = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  const type = types.find((name) => name === given);
  if (signal === undefined)
    return refuse(request, response, 404, 'OTLP is taken at /v1/traces, /v1/metrics and /v1/logs');
  if (request.method !== 'POST') return refuse(request, response, 405, 'OTLP is sent with POST');
  if (type === undefined) {
    const { status, cause } = sink.refuse(signal, 'unsupported');
    return refuse(request, response, codes[status], cause);
  }
  const body = await readBody(request, maxRequestBytes, room);
  // Nobody waits for an answer.
  if (body === 'cut_off') return;
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  const form: BodyForm = { type, ...(encoding !== undefined && encoding !== 'identity' && { encoding }) };
  const forwardedBy = headers[FORWARDED_BY]?.toString();
  const from = plainAddress(request.socket.remoteAddress ?? '') ?? '';
  const answer =
    typeof body === 'string'
      ? sink.refuse(signal, body)
      : await sink.offer({ signal, bytes: body, form, from, forwardedBy });
  reply(request, response, type, answer);
}

function reply(
  request: IncomingMessage,
  response: ServerResponse,
  type: BodyForm['type'],
  answer: TapAnswer,
): void {
  const isJson = type === 'application/json';
  if (answer.status === 'taken') {
    response.writeHead(200, { 'Content-Type': type }).end(isJson ? '{}' : undefined);
    return;
  }
  const message = `wirespan: ${answer.cause}`;
  const head = {
    'Content-Type': type,
    ...(answer.status === 'retry' && { 'Retry-After': '1' }),
    // What is left of the body is not read.
    ...(!request.complete && { Connection: 'close' }),
  };
  response
    .writeHead(codes[answer.status], head)
    .end(isJson ? JSON.stringify({ message }) : statusOf(message));
}

function refuse(request: IncomingMessage, response: ServerResponse, code: number, why: string): void {
  const head = { 'Content-Type': 'text/plain', Connection: 'close', ...(code === 405 && { Allow: 'POST' }) };
  response.writeHead(code, head).end(`wirespan: ${why}\n`);
  request.resume();
}
