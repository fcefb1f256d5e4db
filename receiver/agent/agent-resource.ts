import type { AppConfig } from '../../config/index.ts';
import { ATTR_SERVICE_NAME } from '../../semconv/index.ts';
import type { Enricher } from '../enrich/enricher.ts';
import type { ObservedResource } from '../model/resource.ts';

/** What the agent says of itself, with the standard variables' words. */
export function agentResource(enricher: Pick<Enricher, 'agent'>, { agent }: AppConfig): ObservedResource {
  const known = enricher.agent();
  const attributes = {
    ...known.attributes,
    ...agent.resourceAttributes,
    [ATTR_SERVICE_NAME]: agent.serviceName,
  };
  return { ...known, attributes };
}
