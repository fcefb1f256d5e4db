import type { Resource } from '@opentelemetry/resources';
import { toSdkResource } from '../aggregate/sdk-resource.ts';
import type { ObservedResource } from '../model/resource.ts';

/**
 * SDK resources for one request, by identity of the observed resource: the SDK's serializers
 * group by object. Lives as long as the request, hence bounded by its items.
 */
export function createResourceCache(): (observed: ObservedResource) => Resource {
  const byId = new Map<string, Resource>();
  return (observed) => {
    let resource = byId.get(observed.id);
    if (resource === undefined) {
      resource = toSdkResource(observed);
      byId.set(observed.id, resource);
    }
    return resource;
  };
}
