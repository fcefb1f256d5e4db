import { hash } from 'node:crypto';
import { BoundedCache } from '../bounded-cache.ts';

const maxCachedIds = 10_000;

/** Gives `wirespan.tcp.connection.id`: 16 hex digits, the same for one socket at every call. */
export type ConnectionIds = (netns: number, cookie: bigint) => string;

/** Ids differ between boots: cookies and namespace inodes start anew then. */
export function createConnectionIds(bootId: string): ConnectionIds {
  const cache = new BoundedCache<string, string>(maxCachedIds);
  return (netns, cookie) => {
    const socket = `${netns}:${cookie}`;
    const known = cache.get(socket);
    if (known !== undefined) return known;
    const id = hash('sha256', `${bootId}:${socket}`, 'hex').slice(0, 16);
    cache.set(socket, id);
    return id;
  };
}
