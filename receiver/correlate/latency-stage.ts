import {
  ATTR_CPU_LOGICAL_NUMBER,
  ATTR_LATENCY_KIND,
  ATTR_LATENCY_VALUE,
  ATTR_SOFTIRQ_VECTOR,
  EVENT_SOFTIRQ_SLOW,
  EVENT_TCP_LATENCY_OUTLIER,
} from '../../semconv/index.ts';
import type { LatencyRecord, SoftirqRecord } from '../model/record.ts';
import type { Emitter } from './emitter.ts';
import type { SocketAttributes } from './socket-attributes.ts';

/** Events about what took longer than its threshold. No request is known to be the one that waited. */
export class LatencyStage {
  readonly #emitter: Emitter;
  readonly #sockets: SocketAttributes;

  constructor(emitter: Emitter, sockets: SocketAttributes) {
    this.#emitter = emitter;
    this.#sockets = sockets;
  }

  outlier(record: LatencyRecord): void {
    this.#emitter.event(EVENT_TCP_LATENCY_OUTLIER, {
      record,
      attributes: () => ({
        ...this.#sockets.connection(record),
        [ATTR_LATENCY_KIND]: record.what,
        [ATTR_LATENCY_VALUE]: Number(record.valueNs) / 1e9,
      }),
    });
  }

  slowSoftirq(record: SoftirqRecord): void {
    this.#emitter.event(EVENT_SOFTIRQ_SLOW, {
      record,
      attributes: () => ({
        [ATTR_SOFTIRQ_VECTOR]: record.vector,
        [ATTR_CPU_LOGICAL_NUMBER]: record.cpu,
        [ATTR_LATENCY_VALUE]: Number(record.valueNs) / 1e9,
      }),
    });
  }
}
