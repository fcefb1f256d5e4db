import { BoundedCache } from '../../model/bounded-cache.ts';
import { socketId } from '../../model/ids.ts';
import type { ConnectionRecord } from '../../model/record.ts';

/**
 * Handshakes whose span waits for the request that may have caused them. Used only when
 * every handshake gets a span: then the parent, if any, must be known first.
 */
export interface ConnectHolds {
  hold(record: ConnectionRecord): void;
  /** Takes the handshake of a socket out. */
  take(record: ConnectionRecord): ConnectionRecord | undefined;
  /** Releases those that waited a second. */
  expire(nowNs: bigint): void;
  releaseAll(): void;
  /** Released before their second was over, because too many waited. */
  readonly releasedEarly: number;
}

const waitNs = 1_000_000_000n;

/** Holds at most `maxHeld`; one more releases the oldest. */
export function createConnectHolds(
  maxHeld: number,
  release: (record: ConnectionRecord) => void,
): ConnectHolds {
  const held = new BoundedCache<string, ConnectionRecord>(maxHeld, release);

  const releaseOldest = (waitedFor: (record: ConnectionRecord) => boolean): void => {
    for (let oldest = held.oldest(); oldest !== undefined; oldest = held.oldest()) {
      const [key, record] = oldest;
      if (!waitedFor(record)) return;
      held.delete(key);
      release(record);
    }
  };

  return {
    hold(record) {
      held.set(socketId(record), record);
    },
    take(record) {
      if (held.size === 0) return undefined;
      const key = socketId(record);
      const waiting = held.get(key);
      if (waiting !== undefined) held.delete(key);
      return waiting;
    },
    expire: (nowNs) => releaseOldest(({ timeNs }) => nowNs - timeNs >= waitNs),
    releaseAll: () => releaseOldest(() => true),
    get releasedEarly() {
      return held.evictions;
    },
  };
}
