import { ATTR_CONTAINER_ID, ATTR_PROCESS_USER_ID, ATTR_SERVICE_NAME } from '../../semconv/index.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';

/**
 * Who takes part of a limit, from what costs most to make to what costs least: the user, the container or else the
 * control group, both as the kernel has them; then the service and the resource, as they say themselves.
 */
export function sharePath(
  resource: ObservedResource,
  { cgroupId }: Pick<Owner, 'cgroupId'>,
): readonly string[] {
  const { attributes, id } = resource;
  const userId = attributes[ATTR_PROCESS_USER_ID];
  const container = attributes[ATTR_CONTAINER_ID];
  const service = attributes[ATTR_SERVICE_NAME];
  return [
    typeof userId === 'number' ? String(userId) : 'unknown',
    typeof container === 'string' ? container : String(cgroupId),
    typeof service === 'string' ? service : 'unknown',
    id,
  ];
}
