import type { AppConfig } from '../../config/index.ts';
import type { ProcessNames } from '../correlate/held-records.ts';
import { OtlpJoin } from '../correlate/otlp-join.ts';
import type { Enricher } from '../enrich/enricher.ts';
import { ownNetworkNamespace, readNamespacePid } from '../host/namespace-pid.ts';
import { BoundedCache } from '../model/bounded-cache.ts';
import type { Clock } from '../model/clock.ts';
import { processId } from '../model/ids.ts';
import type { SignalRecord } from '../model/record.ts';
import type { Owner } from '../model/resource.ts';
import { ATTR_SERVICE_NAME } from '../../semconv/index.ts';

/** Some 200 bytes each, and as many of their contexts and addresses. */
const maxHeld = 10_000;
const maxNames = 10_000;

export interface JoinParts {
  readonly clock: Clock;
  readonly enricher: Enricher;
  readonly release: (record: SignalRecord) => void;
}

/** The join with the spans that the OTLP tap sees, when it is on. */
export function createPipelineJoin({ otlpTap }: AppConfig, parts: JoinParts): OtlpJoin | undefined {
  if (otlpTap === undefined) return undefined;
  const { clock, enricher, release } = parts;
  const pids = new BoundedCache<string, number>(maxNames);
  const pidOf = (owner: Owner): number | undefined => {
    const key = processId(owner);
    const known = pids.get(key) ?? readNamespacePid('/proc', owner.pid);
    if (known !== undefined) pids.set(key, known);
    return known;
  };
  const namesOf = (owner: Owner): ProcessNames => {
    const pid = pidOf(owner);
    const service = enricher.resolve(owner).attributes[ATTR_SERVICE_NAME];
    return { ...(pid !== undefined && { pid }), ...(typeof service === 'string' && { service }) };
  };
  return new OtlpJoin({
    clock,
    release,
    namesOf,
    maxHeld,
    holdNs: BigInt(otlpTap.holdMs) * 1_000_000n,
    netns: ownNetworkNamespace('/proc'),
  });
}
