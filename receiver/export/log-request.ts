import type { Resource } from '@opentelemetry/resources';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { toHrTime } from '../aggregate/hr-time.ts';
import { scopeOf } from '../aggregate/instrumentation-scopes.ts';
import type { NetworkEvent } from '../model/event.ts';
import { createResourceCache } from './resource-cache.ts';
import type { OtlpRequest } from './transport.ts';

/** Encodes events as one OTLP logs request; events of one resource are grouped. */
export function encodeEvents(events: readonly NetworkEvent[]): OtlpRequest {
  const resourceOf = createResourceCache();
  const readable = events.map((event) => toReadableLogRecord(event, resourceOf(event.resource)));
  return {
    bytes: ProtobufLogsSerializer.serializeRequest(readable) ?? new Uint8Array(),
    items: events.length,
  };
}

/** The SDK's view of an event: a log record with an event name and no body. */
function toReadableLogRecord(event: NetworkEvent, resource: Resource): ReadableLogRecord {
  const { context } = event;
  return {
    hrTime: toHrTime(event.timeUnixNs),
    hrTimeObserved: toHrTime(event.observedTimeUnixNs),
    ...(context === undefined
      ? {}
      : {
          spanContext: { traceId: context.traceId, spanId: context.spanId, traceFlags: context.traceFlags },
        }),
    severityNumber: event.severityNumber,
    eventName: event.name,
    resource,
    instrumentationScope: scopeOf(event.scope),
    attributes: event.attributes,
    droppedAttributesCount: 0,
  };
}
