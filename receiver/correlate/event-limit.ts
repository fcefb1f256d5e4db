import { BoundedCache } from '../bounded-cache.ts';
import { TokenBucket } from './token-bucket.ts';

const nodeFactor = 10;
const burstFactor = 2;
const maxWorkloadBuckets = 10_000;

interface WorkloadBucket {
  readonly bucket: TokenBucket;
  suppressed: number;
}

/** Keeps one noisy workload, or one noisy event, from drowning the rest. */
export interface EventLimit {
  /**
   * Undefined when the event must be left out (it is then counted); otherwise how many
   * of this name and workload were left out since the last that went through.
   */
  admit(name: string, resourceId: string, nowNs: bigint): number | undefined;
  /** Workloads whose rate was forgotten because there were too many. */
  readonly evictions: number;
}

/**
 * `perSecond` for each event name and workload, ten times that for each name on the
 * node, twice as much in a burst. 0: no limit of either kind.
 */
export function createEventLimit(perSecond: number): EventLimit {
  const workloads = new BoundedCache<string, WorkloadBucket>(maxWorkloadBuckets);
  const nodes = new Map<string, TokenBucket>();

  const nodeBucket = (name: string, nowNs: bigint): TokenBucket => {
    let bucket = nodes.get(name);
    if (bucket === undefined) {
      const perNode = perSecond * nodeFactor;
      bucket = new TokenBucket(perNode, perNode * burstFactor, nowNs);
      nodes.set(name, bucket);
    }
    return bucket;
  };

  const workloadBucket = (name: string, resourceId: string, nowNs: bigint): WorkloadBucket => {
    const key = `${name}\n${resourceId}`;
    let workload = workloads.get(key);
    if (workload === undefined) {
      const bucket = new TokenBucket(perSecond, Math.max(1, perSecond * burstFactor), nowNs);
      workload = { bucket, suppressed: 0 };
      workloads.set(key, workload);
    }
    return workload;
  };

  return {
    get evictions() {
      return workloads.evictions;
    },
    admit(name, resourceId, nowNs) {
      if (perSecond === 0) return 0;
      const workload = workloadBucket(name, resourceId, nowNs);
      const node = nodeBucket(name, nowNs);
      if (!workload.bucket.hasToken(nowNs) || !node.hasToken(nowNs)) {
        workload.suppressed += 1;
        return undefined;
      }
      workload.bucket.take();
      node.take();
      const { suppressed } = workload;
      workload.suppressed = 0;
      return suppressed;
    },
  };
}
