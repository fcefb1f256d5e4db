import type { Resource } from '@opentelemetry/resources';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { UPSTREAM_SCHEMA_URL } from '../../semconv/index.ts';
import type { ObservedResource } from '../model/resource.ts';

/** The SDK's form of a resource. Its attributes are upstream's, hence upstream's schema. */
export function toSdkResource(observed: ObservedResource): Resource {
  return resourceFromAttributes(observed.attributes, { schemaUrl: UPSTREAM_SCHEMA_URL });
}
