import type { Attributes } from '@opentelemetry/api';
import { v5 } from 'uuid';
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME, ATTR_SERVICE_NAMESPACE } from '../../semconv/index.ts';

/** For ids of version 5, by OpenTelemetry's semantic conventions on `service.instance.id`. */
const NAMESPACE = '4d63009a-8d0f-11ee-aad7-4c796ed8e320';

/** A `service.instance.id`: equal facts give the same id, in this run of the agent and in the next. */
export function instanceId(facts: Attributes): string {
  return v5(textOf(facts), NAMESPACE);
}

/** Equal attributes give equal texts, whatever their order. */
export function textOf(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** What Prometheus tells resources apart by: its labels `job` and `instance`. */
export function instanceKey(attributes: Attributes): string {
  const keys = [ATTR_SERVICE_NAMESPACE, ATTR_SERVICE_NAME, ATTR_SERVICE_INSTANCE_ID];
  return JSON.stringify(keys.map((key) => attributes[key] ?? ''));
}
