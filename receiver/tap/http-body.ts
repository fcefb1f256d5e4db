import type { IncomingMessage } from 'node:http';
import type { Room } from './room.ts';

/** Why there is no body; `cut_off`: who sent it went away. */
type NoBody = 'too_large' | 'queue_full' | 'cut_off';

/** Reads a body; while it comes it takes room like those that wait. The rest of one that is not wanted is not kept. */
export function readBody(request: IncomingMessage, maxBytes: number, room: Room): Promise<Buffer | NoBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let isOver = false;
    const end = (result: Buffer | NoBody): void => {
      if (isOver) return;
      isOver = true;
      room.give(0, size);
      request.resume();
      resolve(result);
    };
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
      end('too_large');
      return;
    }
    request.on('data', (chunk: Buffer) => {
      if (isOver) return;
      if (size + chunk.length > maxBytes) end('too_large');
      else if (!room.take(0, chunk.length)) end('queue_full');
      else {
        size += chunk.length;
        chunks.push(chunk);
      }
    });
    request.on('end', () => end(Buffer.concat(chunks)));
    request.on('close', () => end('cut_off'));
  });
}
