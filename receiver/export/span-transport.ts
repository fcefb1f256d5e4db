import { status } from '@grpc/grpc-js';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { VERSION } from '../../semconv/index.ts';
import { authorityOf } from './authority.ts';
import { channelCredentialsOf, metadataOf } from './endpoint-security.ts';
import { judgeFailure } from './failure.ts';
import type { SignalTarget } from './options.ts';
import { withProxy } from './proxy.ts';
import type { SendResult } from './send-result.ts';
import type { Sockets } from './sockets.ts';
import { createSockets } from './sockets.ts';
import { encodeSpans } from './span-request.ts';
import type { OtlpTransport } from './transport.ts';
import { createOtlpTransport } from './transport.ts';
import { withVariables } from './variables.ts';

const deadlineExceeded: number = status.DEADLINE_EXCEEDED;
const unavailable: number = status.UNAVAILABLE;
const success: number = ExportResultCode.SUCCESS;

/**
 * A transport for spans: over gRPC the SDK's `OTLPTraceExporter`, over HTTP the transport of the other
 * signals. Throws as `createOtlpTransport`.
 */
export function createSpanTransport(target: SignalTarget): OtlpTransport<readonly ReadableSpan[]> {
  if (target.protocol === 'grpc') return createGrpcSpanTransport(target);
  const transport = createOtlpTransport(target);
  return {
    async send(spans) {
      try {
        return await transport.send(encodeSpans(spans));
      } catch (error) {
        return unencodable(error);
      }
    },
    abort: () => transport.abort(),
    close: () => transport.close(),
  };
}

function unencodable(error: unknown): SendResult {
  return { status: 'unencodable', cause: String(error) };
}

/**
 * The exporter lets its channel wait up to two minutes between attempts to connect and offers no
 * setting for it, so after a failed connection the next request gets an exporter of its own: the
 * delivery's back-off is then the only wait. It does not close what is still being connected either:
 * its sockets are closed here.
 */
function createGrpcSpanTransport(target: SignalTarget): OtlpTransport<readonly ReadableSpan[]> {
  const createExporter = exporterFactory(target);
  let current: { readonly exporter: OTLPTraceExporter; readonly sockets: Sockets } | undefined;

  const abort = (): void => {
    current?.sockets.close();
    void current?.exporter.shutdown().catch(() => undefined);
    current = undefined;
  };
  const create = (): NonNullable<typeof current> => {
    const sockets = createSockets();
    return { sockets, exporter: sockets.run(createExporter) };
  };
  const send = (spans: readonly ReadableSpan[]): Promise<SendResult> =>
    new Promise((resolve) => {
      const used = (current ??= create());
      const settle = (error: unknown): SendResult => {
        const code = (error as { code?: unknown } | undefined)?.code;
        // Late news of an exporter that was given up says nothing of its successor.
        if ((code === unavailable || code === deadlineExceeded) && used === current) abort();
        return judgeFailure(error);
      };
      const work = (): void =>
        used.exporter.export([...spans], ({ code, error }) => {
          // The exporter only logs a partial success: see docs/decisions/0007.
          if ((code as number) === success) resolve({ status: 'taken', rejected: 0, message: '' });
          else resolve(settle(error));
        });
      // Its channel is made by its first export.
      used.sockets.run(() => withProxy(target.proxy, work));
    });

  return { send: (spans) => send(spans).catch(unencodable), abort, close: abort };
}

/** Each exporter that it makes has a connection of its own. Reads the certificate files once. */
function exporterFactory(target: SignalTarget): () => OTLPTraceExporter {
  const credentials = channelCredentialsOf(target);
  const metadata = metadataOf(target);
  let connections = 0;
  return () => {
    connections += 1;
    // Channels that differ in nothing share one connection, and its wait: the name tells them apart.
    const suffix = connections === 1 ? '' : ` (connection ${connections})`;
    return withoutSettings(
      () =>
        new OTLPTraceExporter({
          url: urlOf(target.endpoint),
          credentials,
          metadata,
          compression: target.compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE,
          timeoutMillis: target.timeoutMs,
          concurrencyLimit: 4,
          userAgent: `wirespan/${VERSION}${suffix}`,
        }),
    );
  };
}

/**
 * The exporter's constructor adds the headers of `OTEL_EXPORTER_OTLP_*_HEADERS` to those it is given,
 * and warns of other such variables. They were read by the configuration, where other sources may
 * have overruled them: here they must not count again.
 */
function withoutSettings<T>(create: () => T): T {
  const names = Object.keys(process.env).filter((name) => name.startsWith('OTEL_EXPORTER_OTLP_'));
  return withVariables(Object.fromEntries(names.map((name) => [name, undefined])), create);
}

/** The exporter does not keep the port of a URL's scheme, and takes no other setting of the URL. */
function urlOf(endpoint: string): string {
  return `https://${authorityOf(endpoint)}`;
}
