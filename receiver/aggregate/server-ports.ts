import type { Attributes } from '@opentelemetry/api';
import { ATTR_SERVER_PORT } from '../../semconv/index.ts';

/** Values of `server.port` that the metrics of one workload show at once. */
export const MAX_SERVER_PORTS = 64;

/**
 * The values of `server.port` among the series of one resource: a port scanner, or a client of servers on
 * ephemeral ports, has as many as there are. First come, first kept; a port without series makes room.
 */
export class ServerPorts {
  /** Measurements that were for one port too many: they are in overflow series. */
  refused = 0;
  readonly #uses = new Map<number, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** Whether `take` would. */
  mayTake(attributes: Attributes): boolean {
    const port = attributes[ATTR_SERVER_PORT];
    return typeof port !== 'number' || this.#uses.has(port) || this.#uses.size < this.#max;
  }

  /** Whether a series with these attributes may be; then it is counted until `release`. */
  take(attributes: Attributes): boolean {
    const port = attributes[ATTR_SERVER_PORT];
    if (typeof port !== 'number') return true;
    const uses = this.#uses.get(port) ?? 0;
    if (uses === 0 && this.#uses.size >= this.#max) {
      this.refused += 1;
      return false;
    }
    this.#uses.set(port, uses + 1);
    return true;
  }

  /** The series is gone. */
  release(attributes: Attributes): void {
    const port = attributes[ATTR_SERVER_PORT];
    if (typeof port !== 'number') return;
    const uses = (this.#uses.get(port) ?? 0) - 1;
    if (uses > 0) this.#uses.set(port, uses);
    else this.#uses.delete(port);
  }
}
