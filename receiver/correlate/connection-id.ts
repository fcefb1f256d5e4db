import { hash } from 'node:crypto';
import { BoundedCache } from '../model/bounded-cache.ts';
import { socketId } from '../model/ids.ts';

const maxCachedIds = 10_000;
const ID_BYTES = 8;

/** Gives `wirespan.tcp.connection.id`: 16 hex digits, the same for one socket at every call. */
export type ConnectionIds = (netns: number, cookie: bigint) => string;

/** Ids differ between boots: cookies and namespace inodes start anew then. */
export function createConnectionIds(bootId: string): ConnectionIds {
  const cache = new BoundedCache<string, string>(maxCachedIds);
  return (netns, cookie) => {
    const socket = socketId({ netns, cookie });
    const known = cache.get(socket);
    if (known !== undefined) return known;
    // Half of the text would keep the whole: V8 makes a slice of it.
    const id = hash('sha256', `${bootId}:${socket}`, 'buffer').toString('hex', 0, ID_BYTES);
    cache.set(socket, id);
    return id;
  };
}
