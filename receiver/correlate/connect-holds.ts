import type { ConnectionRecord } from '../record.ts';

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
  /** Oldest first. */
  const held = new Map<string, ConnectionRecord>();
  let releasedEarly = 0;

  const releaseKey = (key: string, record: ConnectionRecord): void => {
    held.delete(key);
    release(record);
  };

  return {
    hold(record) {
      if (held.size >= maxHeld) {
        const [oldest] = held;
        if (oldest !== undefined) releaseKey(...oldest);
        releasedEarly += 1;
      }
      held.set(socketKey(record), record);
    },
    take(record) {
      if (held.size === 0) return undefined;
      const key = socketKey(record);
      const waiting = held.get(key);
      held.delete(key);
      return waiting;
    },
    expire(nowNs) {
      for (const [key, record] of held) {
        if (nowNs - record.timeNs < waitNs) return;
        releaseKey(key, record);
      }
    },
    releaseAll() {
      for (const [key, record] of held) releaseKey(key, record);
    },
    get releasedEarly() {
      return releasedEarly;
    },
  };
}

function socketKey({ netns, cookie }: ConnectionRecord): string {
  return `${netns}:${cookie}`;
}
