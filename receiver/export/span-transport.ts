import { resolve as resolvePath } from 'node:path';
import { status } from '@grpc/grpc-js';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { VERSION } from '../../semconv/index.ts';
import { channelCredentialsOf, metadataOf } from './endpoint-security.ts';
import type { SendResult } from './failure.ts';
import { judgeFailure } from './failure.ts';
import type { SettledEndpoint } from './options.ts';
import { encodeSpans } from './span-request.ts';
import type { OtlpTransport } from './transport.ts';
import { createOtlpTransport } from './transport.ts';

/** After so many requests without an answer in a row, the connection is taken for dead and made anew. */
const maxTimeouts = 3;
const deadlineExceeded: number = status.DEADLINE_EXCEEDED;
const unavailable: number = status.UNAVAILABLE;
const success: number = ExportResultCode.SUCCESS;

/**
 * A transport for spans: over gRPC the SDK's `OTLPTraceExporter`, over HTTP the transport of the other
 * signals. Throws as `createOtlpTransport`.
 */
export function createSpanTransport(endpoint: SettledEndpoint): OtlpTransport<readonly ReadableSpan[]> {
  if (endpoint.protocol === 'grpc') return createGrpcSpanTransport(endpoint);
  const transport = createOtlpTransport(endpoint);
  return {
    async send(spans) {
      try {
        return await transport.send(encodeSpans(spans));
      } catch (error) {
        return unencodable(error);
      }
    },
    close: () => transport.close(),
  };
}

function unencodable(error: unknown): SendResult {
  return { status: 'unencodable', cause: String(error) };
}

/**
 * The exporter lets its channel wait up to two minutes between attempts to connect and offers no
 * setting for it, so after a failed connection the next request gets an exporter of its own: the
 * delivery's back-off is then the only wait.
 */
function createGrpcSpanTransport(endpoint: SettledEndpoint): OtlpTransport<readonly ReadableSpan[]> {
  const createExporter = exporterFactory(endpoint);
  let exporter = createExporter();
  let isStale = false;
  let timeouts = 0;

  const close = (): void => void exporter.shutdown().catch(() => undefined);

  const settle = (error: unknown): SendResult => {
    const code = (error as { code?: unknown } | undefined)?.code;
    timeouts = code === deadlineExceeded ? timeouts + 1 : 0;
    isStale = code === unavailable || timeouts >= maxTimeouts;
    return judgeFailure(error);
  };

  return {
    send(spans) {
      if (isStale) {
        close();
        exporter = createExporter();
        isStale = false;
        timeouts = 0;
      }
      return new Promise((resolve) => {
        try {
          exporter.export([...spans], ({ code, error }) => {
            if ((code as number) !== success) resolve(settle(error));
            else {
              timeouts = 0;
              // The exporter only logs a partial success: see docs/decisions/0007.
              resolve({ status: 'taken', rejected: 0, message: '' });
            }
          });
        } catch (error) {
          resolve(unencodable(error));
        }
      });
    },
    close,
  };
}

/** Each exporter that it makes has a connection of its own. Reads the certificate files once. */
function exporterFactory(endpoint: SettledEndpoint): () => OTLPTraceExporter {
  const credentials = channelCredentialsOf(endpoint);
  const metadata = metadataOf(endpoint);
  let connections = 0;
  return () => {
    connections += 1;
    // Channels that differ in nothing share one connection, and its wait: the name tells them apart.
    const suffix = connections === 1 ? '' : ` (connection ${connections})`;
    return withoutVariables(
      () =>
        new OTLPTraceExporter({
          url: exporterUrl(endpoint.url),
          credentials,
          metadata,
          compression:
            endpoint.compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE,
          timeoutMillis: endpoint.timeoutMs,
          concurrencyLimit: 4,
          userAgent: `wirespan/${VERSION}${suffix}`,
        }),
    );
  };
}

/** The exporter knows `unix:` only with an absolute path behind two slashes. */
function exporterUrl(url: string): string {
  return url.startsWith('unix:') ? `unix://${resolvePath(url.replace(/^unix:(\/\/)?/, ''))}` : url;
}

/**
 * The exporter's constructor adds the headers of `OTEL_EXPORTER_OTLP_*_HEADERS` to those it is given,
 * and warns of other such variables. They were read by the configuration, where other sources may
 * have overruled them: here they must not count again.
 */
function withoutVariables<T>(create: () => T): T {
  const hidden = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_EXPORTER_OTLP_'));
  for (const [name] of hidden) delete process.env[name];
  try {
    return create();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}
