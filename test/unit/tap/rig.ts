import { randomBytes } from 'node:crypto';
import { request as requestHttp } from 'node:http';
import { after } from 'node:test';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { OtlpTapConfig } from '../../../config/app-config.ts';
import type { Signal } from '../../../receiver/export/options.ts';
import { createTap, type Tap, type TapListeners } from '../../../receiver/tap/tap.ts';
import { exportSettings, type ExportGiven } from '../../support/export-settings.ts';

const service = '/opentelemetry.proto.collector';
const paths: Readonly<Record<Signal, string>> = {
  traces: `${service}.trace.v1.TraceService/Export`,
  metrics: `${service}.metrics.v1.MetricsService/Export`,
  logs: `${service}.logs.v1.LogsService/Export`,
};

/** What the tap is given; the rest is small and quick. */
export interface TapGiven extends Partial<OtlpTapConfig> {
  readonly to: ExportGiven;
}

/** A tap on free ports, which the end of the test stops. */
export async function tapOf({ to, ...given }: TapGiven, listeners: TapListeners = {}): Promise<Tap> {
  const loopback = { host: '127.0.0.1', port: 0 };
  const tap = createTap(
    {
      grpc: loopback,
      http: loopback,
      queueSize: 100,
      queueBytes: 2 ** 20,
      maxRequestBytes: 2 ** 16,
      maxConnections: 20,
      timeoutMs: 60_000,
      retry: { initialMs: 5, maxMs: 40 },
      otlp: exportSettings(to).otlp,
      ...given,
    },
    listeners,
  );
  after(() => tap.shutdown(performance.now()));
  await tap.listen();
  return tap;
}

/** Bytes that are a request of OTLP as far as anybody looks who does not know the fields: one resource with unknown content. */
export function opaqueRequest(bytes: number): Buffer {
  const content = randomBytes(bytes);
  const head = Buffer.from([1 * 8 + 2, (content.length & 127) | 128, content.length >> 7]);
  return Buffer.concat([head, content]);
}

export interface Sent {
  /** gRPC: the status's code; HTTP: its status. */
  readonly code: number;
  readonly said: string;
  readonly retryAfter?: string | undefined;
}

/** One call over gRPC, without a repetition. */
export function sendGrpc(port: number, signal: Signal, bytes: Buffer, isZipped = false): Promise<Sent> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': isZipped ? 2 : 0,
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
  });
  const same = (given: Buffer): Buffer => given;
  return new Promise((resolve) => {
    const end = (error: ServiceError | null): void => {
      client.close();
      resolve({ code: error?.code ?? 0, said: error?.details ?? '' });
    };
    client.makeUnaryRequest(paths[signal], same, same, bytes, new Metadata(), {}, end);
  });
}

/** One request over HTTP, with these headers; `method`: not POST. */
export function sendHttp(
  port: number,
  path: string,
  body: Buffer | string,
  { method = 'POST', ...headers }: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const request = requestHttp(
      { port, path, method, headers: { 'content-type': 'application/x-protobuf', ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            code: response.statusCode ?? 0,
            said: Buffer.concat(chunks).toString(),
            retryAfter: response.headers['retry-after'],
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
