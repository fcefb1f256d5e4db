/** Rows of the kernel's `listeners` at one port. */
import { LISTENER, LISTENER_KEY } from '../../../receiver/decode/generated/layout.ts';
import type { Watcher } from '../../support/watcher.ts';

export interface ListenerFigures {
  readonly pid: number;
  /** Number of the pass that wrote the next three. */
  readonly pass: number;
  readonly count: number;
  readonly usage: number;
  readonly limit: number;
  /** Waits in the accept queue: one for each accept that was seen. */
  readonly accepts: number;
  readonly drops: number;
}

export function listenersAt({ source }: Watcher, port: number): ListenerFigures[] {
  const { count, keys, values, keySize, stride } = source.read('listeners');
  const key = new DataView(keys.buffer, keys.byteOffset);
  const value = new DataView(values.buffer, values.byteOffset);
  const rows = Array.from({ length: count }, (_, row) => row);
  return rows
    .filter((row) => key.getUint16(row * keySize + LISTENER_KEY.port, true) === port)
    .map((row) => {
      const at = (offset: number): number => Number(value.getBigUint64(row * stride + offset, true));
      const sumAt = LISTENER.filled - 8;
      let accepts = 0;
      for (let offset = LISTENER.accept_wait; offset < sumAt; offset += 8) accepts += at(offset);
      return {
        pid: key.getUint32(row * keySize + LISTENER_KEY.owner + 8, true),
        pass: at(LISTENER.pass),
        count: at(LISTENER.count),
        usage: at(LISTENER.usage),
        limit: at(LISTENER.limit),
        accepts,
        drops: at(LISTENER.drops),
      };
    });
}

/** One pass, and the rows that it wrote: whose listeners at this port are now. */
export function passAt(watcher: Watcher, port: number): ListenerFigures[] {
  const pass = watcher.source.pass(process.hrtime.bigint());
  return listenersAt(watcher, port).filter((row) => row.pass === pass);
}
