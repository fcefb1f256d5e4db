import { randomUUID } from 'node:crypto';
import { createDelivery } from '../export/delivery.ts';
import { DEFAULT_RETRY, type Signal, type SignalTarget } from '../export/options.ts';
import type { ServerSpan } from '../model/application-span.ts';
import { createReachability, type Reachability, type StateListener } from '../export/reachability.ts';
import { mergeRejections, type RejectionListener } from '../export/rejection.ts';
import { createSafeText } from '../export/safe-text.ts';
import { signalTargetOf } from '../export/signal-target.ts';
import { createOtlpTransport, type OtlpRequest, type OtlpTransport } from '../export/transport.ts';
import { adapt } from './adapt.ts';
import { SIGNALS, type TapEndpoint } from './endpoint.ts';
import { Forwarder } from './forwarder.ts';
import { startGrpcEndpoint } from './grpc-endpoint.ts';
import { startHttpEndpoint } from './http-endpoint.ts';
import { TapLedger, type Ledgers, type TapCounters } from './ledger.ts';
import type { TapOptions } from './options.ts';
import { FORWARDED_BY, type TapAnswer, type TapRefusal, type TapRequest, type TapSink } from './request.ts';
import { readSpans } from './read-spans.ts';
import { Room } from './room.ts';

/** Told what a user may want to read in the log. */
export interface TapListeners {
  readonly onState?: StateListener;
  /** Requests, or items in them, that the collector refused; at most once per signal and 10 s. */
  readonly onRejected?: RejectionListener;
  /** Requests that the tap refused for good, or that came back to it; as `onRejected`. */
  readonly onRefused?: RejectionListener;
  /** The SERVER spans of each request that is held, and the address of who sent it. */
  readonly onServerSpans?: (spans: readonly ServerSpan[], from: string) => void;
}

/** The OTLP endpoint for local applications. */
export interface Tap {
  /** Takes requests from then on. Throws a ListenError when it cannot listen. */
  listen(): Promise<void>;
  /** Ports that it listens on. */
  readonly ports: { readonly grpc?: number; readonly http?: number };
  counters(): Readonly<Record<Signal, TapCounters>>;
  /** What waits to be sent on now. */
  held(): { readonly requests: number; readonly bytes: number };
  /** Connections that were closed at once, since there were too many. */
  refusedConnections(): number;
  /** Takes nothing more, sends on what is held until `untilMs` (`performance.now()`), and counts the rest as lost. */
  shutdown(untilMs: number): Promise<void>;
}

const causes = {
  queue_full: 'too much waits for the collector: try again later',
  stopping: 'the agent stops: try again later',
  too_large: 'the request is larger than correlation.otlp_tap.max_request_size',
  unsupported: 'the type of the body must be application/x-protobuf or application/json',
  loop: 'this agent sent the request on before: its endpoint (otlp.endpoint) leads back to its tap',
} as const;
type Refusal = keyof typeof causes;

/** Throws an EndpointError as the exporters do. */
export function createTap(options: TapOptions, listeners: TapListeners = {}): Tap {
  return new ForwardingTap(options, listeners);
}

class ForwardingTap implements Tap, TapSink {
  readonly #options: TapOptions;
  readonly #id = randomUUID();
  readonly #room: Room;
  readonly #ledgers: Ledgers = { traces: new TapLedger(), metrics: new TapLedger(), logs: new TapLedger() };
  readonly #forwarders: Readonly<Record<Signal, Forwarder>>;
  readonly #transports: Pick<OtlpTransport, 'close'>[] = [];
  readonly #rejections: ReturnType<typeof mergeRejections>;
  readonly #refusals: ReturnType<typeof mergeRejections>;
  #grpc: TapEndpoint | undefined;
  #http: TapEndpoint | undefined;
  #isStopping = false;
  readonly #onServerSpans: TapListeners['onServerSpans'];

  constructor(options: TapOptions, { onState, onRejected, onRefused, onServerSpans }: TapListeners) {
    this.#onServerSpans = onServerSpans;
    this.#options = options;
    this.#room = new Room(options.queueSize, options.queueBytes);
    this.#rejections = mergeRejections(onRejected ?? (() => undefined));
    this.#refusals = mergeRejections(onRefused ?? (() => undefined));
    const reachability = createReachability(onState ?? (() => undefined));
    const create = (signal: Signal): Forwarder => this.#createForwarder(signal, reachability);
    this.#forwarders = { traces: create('traces'), metrics: create('metrics'), logs: create('logs') };
  }

  async listen(): Promise<void> {
    const { grpc, http } = this.#options;
    try {
      if (grpc !== undefined) this.#grpc = await startGrpcEndpoint(grpc, this.#options, this);
      if (http !== undefined) this.#http = await startHttpEndpoint(http, this.#options, this, this.#room);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  get ports(): Tap['ports'] {
    return {
      ...(this.#grpc && { grpc: this.#grpc.port }),
      ...(this.#http && { http: this.#http.port }),
    };
  }

  counters(): Record<Signal, TapCounters> {
    const { traces, metrics, logs } = this.#ledgers;
    return { traces: traces.read(), metrics: metrics.read(), logs: logs.read() };
  }

  held(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#room.requests, bytes: this.#room.bytes };
  }

  refusedConnections(): number {
    return (this.#grpc?.refusedConnections() ?? 0) + (this.#http?.refusedConnections() ?? 0);
  }

  async offer(request: TapRequest): Promise<TapAnswer> {
    const { signal, forwardedBy } = request;
    if (forwardedBy === this.#id) return this.refuse(signal, 'loop');
    const { otlp, maxRequestBytes } = this.#options;
    const adapted = await adapt(request, otlp[signal].protocol, maxRequestBytes);
    if (typeof adapted === 'string') return this.refuse(signal, 'unsupported', adapted);
    if (adapted === undefined) return this.refuse(signal, 'too_large');
    if (this.#isStopping) return this.refuse(signal, 'stopping');
    if (!this.#forwarders[signal].offer(adapted)) return this.refuse(signal, 'queue_full');
    if (signal === 'traces' && this.#onServerSpans !== undefined) void this.#look(adapted, request.from);
    return { status: 'taken' };
  }

  refuse(signal: Signal, failure: Refusal, cause: string = causes[failure]): TapRefusal {
    this.#ledgers[signal].refuse(failure);
    if (failure === 'queue_full' || failure === 'stopping') return { status: 'retry', cause };
    this.#refusals.add(signal, 1, cause);
    return { status: failure, cause };
  }

  async shutdown(untilMs: number): Promise<void> {
    this.#isStopping = true;
    this.#grpc?.stopAccepting();
    this.#http?.stopAccepting();
    await Promise.all(SIGNALS.map((signal) => this.#forwarders[signal].drain(untilMs)));
    this.#close();
  }

  async #look(request: OtlpRequest, from: string): Promise<void> {
    const spans = await readSpans(request, this.#options.maxRequestBytes);
    if (spans !== undefined && spans.length > 0) this.#onServerSpans?.(spans, from);
  }

  #createForwarder(signal: Signal, reachability: Reachability): Forwarder {
    const { otlp, timeoutMs, retry = DEFAULT_RETRY } = this.#options;
    const plain = signalTargetOf(signal, otlp[signal]);
    const target: SignalTarget = { ...plain, headers: { ...plain.headers, [FORWARDED_BY]: this.#id } };
    const safeText = createSafeText(plain);
    // What is wrong with the target is said at the start.
    createOtlpTransport(target).close();
    return new Forwarder({
      signal,
      timeoutMs,
      room: this.#room,
      ledger: this.#ledgers[signal],
      onRejected: this.#rejections.add,
      createDelivery: () => {
        const transport = createOtlpTransport(target);
        this.#transports.push(transport);
        return createDelivery({ target, transport, retry, reachability, safeText });
      },
    });
  }

  #close(): void {
    this.#grpc?.close();
    this.#http?.close();
    for (const transport of this.#transports) transport.close();
    this.#rejections.flush();
    this.#refusals.flush();
  }
}
