import type { Socket } from 'node:net';
import { MAX_LINE_BYTES } from './protocol.ts';

const LINE_END = 0x0a;

/**
 * The first line that comes, without its end; undefined: none came in time, or it is too long. What is behind it stays to
 * be read; the socket is paused.
 */
export function readLine(socket: Socket, withinMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const finish = (line: string | undefined): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).pause();
      resolve(line);
    };
    const onEnd = (): void => finish(undefined);
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf(LINE_END);
      if (end < 0 && bytes.length <= MAX_LINE_BYTES) return;
      const isLine = end >= 0 && end <= MAX_LINE_BYTES;
      finish(isLine ? bytes.toString('utf8', 0, end) : undefined);
      const rest = bytes.subarray(end + 1);
      if (isLine && rest.length > 0) socket.unshift(rest);
    };
    const timer = setTimeout(() => finish(undefined), withinMs);
    socket.on('data', onData).once('end', onEnd).once('close', onEnd);
  });
}
