import { BoundedCache } from '../model/bounded-cache.ts';
import { FairShares } from './fair-shares.ts';
import { TokenBucket } from './token-bucket.ts';

const nodeFactor = 10;
const burstFactor = 2;
const maxWorkloads = 10_000;

interface WorkloadLimit {
  readonly bucket: TokenBucket;
  suppressed: number;
}

/** The limits of one event name: the node's rate, which is shared fairly, and that of each workload. */
interface NameLimit {
  readonly node: FairShares;
  readonly workloads: BoundedCache<string, WorkloadLimit>;
}

/** Keeps one noisy workload, or one noisy event, from drowning the rest. */
export interface EventLimit {
  /**
   * Undefined when the event must be left out (it is then counted); otherwise how many
   * of this name and workload were left out since the last that went through. `path`: as
   * `sharePath()` tells it; its end is the workload.
   */
  admit(name: string, path: readonly string[], nowNs: bigint): number | undefined;
  /** Workloads whose rate was forgotten, and shares that were joined, because there were too many. */
  readonly evictions: number;
}

/**
 * `perSecond` for each event name and workload, ten times that for each name on the
 * node, shared fairly; twice as much in a burst. 0: no limit of either kind. Names are the registry's,
 * so there are few; of each, the rates of 10,000 workloads are kept.
 */
export function createEventLimit(perSecond: number): EventLimit {
  const names = new Map<string, NameLimit>();

  const limitOf = (name: string, nowNs: bigint): NameLimit => {
    let limit = names.get(name);
    if (limit === undefined) {
      const perNode = perSecond * nodeFactor;
      const node = new FairShares(perNode, perNode * burstFactor, nowNs);
      limit = { node, workloads: new BoundedCache(maxWorkloads) };
      names.set(name, limit);
    }
    return limit;
  };

  const workloadOf = ({ workloads }: NameLimit, resourceId: string, nowNs: bigint): WorkloadLimit => {
    let workload = workloads.get(resourceId);
    if (workload === undefined) {
      const bucket = new TokenBucket(perSecond, Math.max(1, perSecond * burstFactor), nowNs);
      workload = { bucket, suppressed: 0 };
      workloads.set(resourceId, workload);
    }
    return workload;
  };

  return {
    get evictions() {
      let sum = 0;
      for (const { node, workloads } of names.values()) sum += workloads.evictions + node.joined;
      return sum;
    },
    admit(name, path, nowNs) {
      if (perSecond === 0) return 0;
      const limit = limitOf(name, nowNs);
      const workload = workloadOf(limit, path.at(-1) ?? '', nowNs);
      if (!workload.bucket.hasToken(nowNs) || !limit.node.admit(path, nowNs)) {
        workload.suppressed += 1;
        return undefined;
      }
      workload.bucket.take();
      const { suppressed } = workload;
      workload.suppressed = 0;
      return suppressed;
    },
  };
}
