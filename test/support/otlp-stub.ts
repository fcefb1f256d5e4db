import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import type { DecodedLogRecord, DecodedMetric, DecodedSpan, Placed } from './otlp-decode.ts';
import { decodeRequest } from './otlp-decode.ts';

export type StubSignal = 'metrics' | 'traces' | 'logs';

/** What the stub answers to a request. */
export type StubReply =
  | { kind: 'ok'; rejected?: number; message?: string }
  /** HTTP: success with a page of HTML. */
  | { kind: 'web page' }
  /** gRPC: a status code; HTTP: a status, with `details` as a `Status` or as `plain` text. `retryAfterMs` travels as RetryInfo, or as Retry-After. */
  | { kind: 'error'; code: number; retryAfterMs?: number; details?: string; plain?: boolean }
  /** No answer at all. */
  | { kind: 'silence' };

export interface StubOptions {
  protocol: 'grpc' | 'http/protobuf';
  /** Default: any free port of the loopback. */
  port?: number;
  /** Serves TLS and demands a client certificate of the same authority; PEM. */
  tls?: { ca: Buffer; cert: Buffer; key: Buffer };
  /** Default: everything is taken. `nth` counts the requests of the stub from 0. */
  reply?: (signal: StubSignal, nth: number, bytes: Uint8Array) => StubReply | Promise<StubReply>;
}

/** One request as it came; `taken` once it was answered with success. */
export interface StubRequest {
  signal: StubSignal;
  headers: Record<string, string>;
  bytes: Uint8Array;
  taken: boolean;
}

/** An OTLP receiver inside the test's process; it ends with the test, or the `before`, that starts it. */
export interface OtlpStub {
  /** For `endpoint`: without a path. */
  readonly url: string;
  readonly port: number;
  readonly requests: StubRequest[];
  /** What was in the requests that were taken. */
  metrics(): Placed<DecodedMetric>[];
  spans(): Placed<DecodedSpan>[];
  logRecords(): Placed<DecodedLogRecord>[];
  /** Ends when `isTrue` holds after some request; a failing test ends by the runner's timeout. */
  until(isTrue: () => boolean): Promise<void>;
  /** Closes at once, connections included; so does the end of the test that started it. */
  stop(): Promise<void>;
}

type Handle = (signal: StubSignal, headers: Record<string, string>, bytes: Uint8Array) => Promise<StubReply>;

export async function startOtlpStub(options: StubOptions): Promise<OtlpStub> {
  const requests: StubRequest[] = [];
  const handle: Handle = async (signal, headers, bytes) => {
    const request: StubRequest = { signal, headers, bytes, taken: false };
    const nth = requests.push(request) - 1;
    const reply = (await options.reply?.(signal, nth, bytes)) ?? { kind: 'ok' };
    request.taken = reply.kind === 'ok';
    return reply;
  };
  const start = options.protocol === 'grpc' ? startGrpc : startHttp;
  const running = await start(handle, options);
  const { port } = running;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= running.stop());
  // An open server would keep the run from ending after a test that failed.
  after(stop);
  const taken = (signal: StubSignal): Uint8Array[] =>
    requests.filter((r) => r.signal === signal && r.taken).map((r) => r.bytes);
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    requests,
    metrics: () => taken('metrics').flatMap((bytes) => decodeRequest('metrics', bytes)),
    spans: () => taken('traces').flatMap((bytes) => decodeRequest('traces', bytes)),
    logRecords: () => taken('logs').flatMap((bytes) => decodeRequest('logs', bytes)),
    async until(isTrue) {
      while (!isTrue()) {
        if (stopped !== undefined) throw new Error('the stub was stopped while a test waited for it');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    stop,
  };
}

interface Running {
  port: number;
  stop: () => Promise<void>;
}

const grpcPaths: Record<StubSignal, string> = {
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};

async function startGrpc(handle: Handle, { port = 0, tls }: StubOptions): Promise<Running> {
  const server = new Server();
  const raw = { requestStream: false, responseStream: false } as const;
  const same = (bytes: Buffer): Buffer => bytes;
  for (const [signal, path] of Object.entries(grpcPaths) as [StubSignal, string][]) {
    const export_ = {
      ...raw,
      path,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    server.addService(
      { export: export_ },
      {
        export: (
          call: { request: Buffer; metadata: Metadata },
          done: (error: object | null, reply?: Buffer) => void,
        ): void => {
          void handle(signal, headersOf(call.metadata), call.request).then((reply) => {
            if (reply.kind === 'ok') done(null, responseOf(reply));
            else if (reply.kind === 'error') done(statusOf(reply));
          });
        },
      },
    );
  }
  const bound = await new Promise<number>((resolve, reject) => {
    const serving =
      tls === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(tls.ca, [{ private_key: tls.key, cert_chain: tls.cert }], true);
    server.bindAsync(`127.0.0.1:${port}`, serving, (error, p) => {
      if (error === null) resolve(p);
      else reject(error);
    });
  });
  return {
    port: bound,
    stop: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

function headersOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]));
}

function statusOf(reply: Extract<StubReply, { kind: 'error' }>): object {
  const metadata = new Metadata();
  if (reply.retryAfterMs !== undefined)
    metadata.set('grpc-status-details-bin', retryInfo(reply.retryAfterMs));
  return { code: reply.code, details: reply.details ?? `stub status ${reply.code}`, metadata };
}

function startHttp(handle: Handle, { port = 0, tls }: StubOptions): Promise<Running> {
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      const signal = (request.url ?? '').replace(/^.*\/v1\//, '') as StubSignal;
      const headers = Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k, String(v)]));
      void handle(signal, headers, bytes).then((reply) => {
        if (reply.kind === 'silence') return;
        if (reply.kind === 'ok') {
          response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end(responseOf(reply));
          return;
        }
        if (reply.kind === 'web page') {
          response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end('<p>Log in');
          return;
        }
        const { retryAfterMs: after, details, plain } = reply;
        response.writeHead(reply.code, {
          ...(after !== undefined && { 'Retry-After': String(after / 1000) }),
          ...(details !== undefined && { 'Content-Type': plain ? 'text/plain' : 'application/x-protobuf' }),
        });
        if (details === undefined) response.end();
        else response.end(plain ? details : field(2, Buffer.from(details)));
      });
    });
  };
  const server =
    tls === undefined
      ? createServer(serve)
      : createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }, serve);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        stop: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

/** Export…ServiceResponse: 1: partial_success { 1: rejected, 2: error_message }. */
function responseOf(reply: Extract<StubReply, { kind: 'ok' }>): Buffer {
  if (reply.rejected === undefined) return Buffer.alloc(0);
  const message = Buffer.from(reply.message ?? '');
  return field(1, Buffer.concat([Buffer.from([0x08]), varint(reply.rejected), field(2, message)]));
}

/** google.rpc.Status with a RetryInfo. */
function retryInfo(ms: number): Buffer {
  const duration = Buffer.concat([
    Buffer.from([0x08]),
    varint(Math.floor(ms / 1000)),
    Buffer.from([0x10]),
    varint((ms % 1000) * 1e6),
  ]);
  const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  return Buffer.concat([
    Buffer.from([0x08, 8]),
    field(3, Buffer.concat([field(1, type), field(2, field(1, duration))])),
  ]);
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}
