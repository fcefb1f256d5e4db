/** The stock OpenTelemetry SDK for Node, as an application sets it up; the only thing of ours is the note of each span. */
import { createRequire } from 'node:module';
import type * as Http from 'node:http';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';

/** Ids of the span of one request. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** A running SDK and `node:http` as it instruments it. */
export interface Instrumented {
  readonly http: typeof Http;
  /** Spans of client requests, by the path of the request. */
  readonly clientSpans: ReadonlyMap<string, SpanIds>;
  /** Exports what is left. */
  readonly shutdown: () => Promise<void>;
}

/** Starts the SDK; where spans go is the business of the standard `OTEL_*` variables. */
export function startTelemetry(): Instrumented {
  const clientSpans = new Map<string, SpanIds>();
  const instrumentation = new HttpInstrumentation({
    requestHook: (span, request) => {
      if (!isClientRequest(request)) return;
      const { traceId, spanId } = span.spanContext();
      clientSpans.set(request.path, { traceId, spanId });
    },
  });
  const sdk = new NodeSDK({ instrumentations: [instrumentation] });
  sdk.start();
  // Instrumentation patches what is required after it started.
  const http = createRequire(import.meta.url)('node:http') as typeof Http;
  return { http, clientSpans, shutdown: () => sdk.shutdown() };
}

function isClientRequest(request: Http.ClientRequest | Http.IncomingMessage): request is Http.ClientRequest {
  return 'getHeader' in request && !('httpVersion' in request);
}
