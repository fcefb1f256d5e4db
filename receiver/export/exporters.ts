import type { NetworkEvent, NetworkSpan } from '../model/event.ts';
import type { BatchExporter } from './batch-exporter.ts';
import { createBatchExporter } from './batch-exporter.ts';
import type { SignalCounters } from './counters.ts';
import type { Delivery } from './delivery.ts';
import { createDelivery } from './delivery.ts';
import { takeGrpcLog } from './grpc-log.ts';
import { sizeOfEvent, sizeOfSpan } from './item-size.ts';
import { encodeEvents } from './log-request.ts';
import type { MetricExporter } from './metric-exporter.ts';
import { createMetricExporter } from './metric-exporter.ts';
import type { ExportOptions, QueuedSignal, Signal, SignalTarget } from './options.ts';
import { DEFAULT_RETRY } from './options.ts';
import type { AttemptListener } from './attempt-journal.ts';
import type { StateListener } from './reachability.ts';
import { createReachability } from './reachability.ts';
import type { MergedRejections, RejectionListener } from './rejection.ts';
import { mergeRejections } from './rejection.ts';
import { createSafeText } from './safe-text.ts';
import { signalTargetOf } from './signal-target.ts';
import { toReadableSpans } from './span-request.ts';
import { createSpanTransport } from './span-transport.ts';
import { createTimedDelivery, type OperationLog } from './timed-delivery.ts';
import type { OtlpTransport } from './transport.ts';
import { createOtlpTransport } from './transport.ts';

/** Told what a user may want to read in the log. */
export interface ExportListeners {
  readonly onState?: StateListener;
  readonly onAttempt?: AttemptListener;
  /** At most once per signal and 10 s, with the items of that time summed and their last cause. */
  readonly onRejected?: RejectionListener;
  /** A line of the gRPC library, such as that its proxy cannot be reached; each at most once. */
  readonly onLibrary?: (line: string) => void;
}

/** Size and bound of a queue, in items. */
export interface QueueState {
  readonly size: number;
  readonly capacity: number;
}

/** Everything that leaves the agent leaves through here. */
export interface Exporters {
  /** For the metric loop; `undefined` when metrics are disabled. */
  readonly metrics: MetricExporter | undefined;
  /** False when it was dropped; drops are counted. A disabled signal takes nothing and counts nothing. */
  addSpan(span: NetworkSpan): boolean;
  /** As `addSpan`. */
  addEvent(event: NetworkEvent): boolean;
  counters(): Readonly<Record<Signal, SignalCounters>>;
  queues(): Readonly<Record<QueuedSignal, QueueState>>;
  /** Scheme, host and port of each signal's collector; `undefined` for a disabled signal. */
  origins(): Readonly<Record<Signal, string | undefined>>;
  /** Tells of every export operation. */
  readonly operations: OperationLog;
  /** Sends the queued spans and events now. Ends when each has met its end. */
  forceFlush(): Promise<void>;
  /**
   * Ends within `deadlineMs`: first sends the queued spans and events (for at most two thirds of the time),
   * then calls `last` with what time is left (until `performance.now()` is `untilMs`), then closes the
   * connections. The metric loop is shut down by `last`, so that the final metrics tell what became of
   * the spans and events. What is not sent in time is counted.
   */
  shutdown(deadlineMs: number, last?: (untilMs: number) => Promise<void>): Promise<void>;
}

const nothing: SignalCounters = {
  accepted: 0,
  exported: 0,
  dropped: { queue_full: 0, rejected: 0, retry_expired: 0, already_shutdown: 0, encode_error: 0 },
  inFlight: 0,
};

/**
 * Creates the OTLP exporters of all signals. Connects when there is something to send.
 * Throws an Error with one clear sentence for a certificate file, a header or a proxy that cannot be used.
 */
export function createExporters(options: ExportOptions, listeners: ExportListeners = {}): Exporters {
  const { otlp, queues, retry = DEFAULT_RETRY } = options;
  const rejections = mergeRejections(listeners.onRejected ?? (() => undefined));
  const onRejected = rejections.add;
  takeGrpcLog(listeners.onLibrary ?? (() => undefined));
  const reachability = createReachability(listeners.onState ?? (() => undefined), listeners.onAttempt);
  const operations: OperationLog = { onOperation: undefined };
  const transports: Pick<OtlpTransport, 'close'>[] = [];
  const origins: Record<Signal, string | undefined> = {
    metrics: undefined,
    traces: undefined,
    logs: undefined,
  };

  const deliveryOf = <R>(
    signal: Signal,
    createTransport: (target: SignalTarget) => OtlpTransport<R>,
  ): Delivery<R> | undefined => {
    if (!otlp[signal].enabled) return undefined;
    const target = signalTargetOf(signal, otlp[signal]);
    const transport = createTransport(target);
    transports.push(transport);
    origins[signal] = target.origin;
    const safeText = createSafeText(target);
    const delivery = createDelivery({ target, transport, retry, reachability, safeText });
    return createTimedDelivery(delivery, signal, operations);
  };

  const metricDelivery = deliveryOf('metrics', createOtlpTransport);
  const spanDelivery = deliveryOf('traces', createSpanTransport);
  const eventDelivery = deliveryOf('logs', createOtlpTransport);
  return new OtlpExporters({
    metrics: metricDelivery && createMetricExporter(metricDelivery, onRejected),
    spans:
      spanDelivery &&
      createBatchExporter({
        onRejected,
        signal: 'traces',
        queue: queues.traces,
        delivery: spanDelivery,
        encode: toReadableSpans,
        sizeOf: sizeOfSpan,
      }),
    events:
      eventDelivery &&
      createBatchExporter({
        onRejected,
        signal: 'logs',
        queue: queues.logs,
        delivery: eventDelivery,
        encode: encodeEvents,
        sizeOf: sizeOfEvent,
      }),
    transports,
    rejections,
    origins,
    operations,
    capacities: { traces: queues.traces.queueSize, logs: queues.logs.queueSize },
  });
}

interface Assembly {
  readonly metrics: MetricExporter | undefined;
  readonly spans: BatchExporter<NetworkSpan> | undefined;
  readonly events: BatchExporter<NetworkEvent> | undefined;
  readonly transports: readonly Pick<OtlpTransport, 'close'>[];
  readonly rejections: MergedRejections;
  readonly origins: Readonly<Record<Signal, string | undefined>>;
  readonly operations: OperationLog;
  readonly capacities: Readonly<Record<QueuedSignal, number>>;
}

class OtlpExporters implements Exporters {
  readonly metrics: MetricExporter | undefined;
  readonly operations: OperationLog;
  readonly #parts: Assembly;

  constructor(parts: Assembly) {
    this.metrics = parts.metrics;
    this.operations = parts.operations;
    this.#parts = parts;
  }

  addSpan(span: NetworkSpan): boolean {
    return this.#parts.spans?.offer(span) ?? false;
  }

  addEvent(event: NetworkEvent): boolean {
    return this.#parts.events?.offer(event) ?? false;
  }

  counters(): Record<Signal, SignalCounters> {
    const { metrics, spans, events } = this.#parts;
    return {
      metrics: metrics?.counters() ?? nothing,
      traces: spans?.counters() ?? nothing,
      logs: events?.counters() ?? nothing,
    };
  }

  queues(): Record<QueuedSignal, QueueState> {
    const { spans, events, capacities } = this.#parts;
    return {
      traces: { size: spans?.queueSize() ?? 0, capacity: capacities.traces },
      logs: { size: events?.queueSize() ?? 0, capacity: capacities.logs },
    };
  }

  origins(): Readonly<Record<Signal, string | undefined>> {
    return this.#parts.origins;
  }

  async forceFlush(): Promise<void> {
    await Promise.all([this.#parts.spans?.forceFlush(), this.#parts.events?.forceFlush()]);
  }

  async shutdown(deadlineMs: number, last?: (untilMs: number) => Promise<void>): Promise<void> {
    const startMs = performance.now();
    const { spans, events, transports, rejections } = this.#parts;
    const untilMs = startMs + (last === undefined ? deadlineMs : (deadlineMs * 2) / 3);
    await Promise.all([spans?.shutdown(untilMs), events?.shutdown(untilMs)]);
    await last?.(startMs + deadlineMs);
    rejections.flush();
    for (const transport of transports) transport.close();
  }
}
