/** Rows of the kernel's `listeners` at one port. */
import { LISTENER, LISTENER_KEY, LISTENER_LENGTH } from '../../../receiver/decode/generated/layout.ts';
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
  /** Arrivals at the accept queue. */
  readonly arrivals: number;
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
      /** Samples of a histogram; its last cell is their sum. */
      const samples = (from: number, cells: number): number =>
        Array.from({ length: cells - 1 }, (_, cell) => at(from + cell * 8)).reduce(
          (sum, count) => sum + count,
        );
      return {
        pid: key.getUint32(row * keySize + LISTENER_KEY.owner + 8, true),
        pass: at(LISTENER.pass),
        count: at(LISTENER.count),
        usage: at(LISTENER.usage),
        limit: at(LISTENER.limit),
        accepts: samples(LISTENER.accept_wait, LISTENER_LENGTH.accept_wait),
        arrivals: samples(LISTENER.utilization, LISTENER_LENGTH.utilization),
        drops: at(LISTENER.drops),
      };
    });
}

/** One pass, and the rows that it wrote: whose listeners at this port are now. */
export function passAt(watcher: Watcher, port: number): ListenerFigures[] {
  const pass = watcher.source.pass(process.hrtime.bigint());
  return listenersAt(watcher, port).filter((row) => row.pass === pass);
}
