import assert from 'node:assert/strict';
import { EVENTS } from '../../semconv/index.ts';
import type { Clock } from '../../receiver/model/clock.ts';
import {
  createCorrelator,
  type Correlator,
  type CorrelatorOptions,
} from '../../receiver/correlate/correlator.ts';
import { FAMILIES } from '../../receiver/signals/index.ts';
import type { NetworkEvent, NetworkSpan } from '../../receiver/model/event.ts';
import type { ObservedResource, Owner } from '../../receiver/model/resource.ts';
import type {
  ConnectionRecord,
  DropRecord,
  ExchangeRecord,
  ListenerRecord,
  RequestContext,
  RetransmitRecord,
  SocketRecord,
  StateRecord,
} from '../../receiver/model/record.ts';

export const second = 1_000_000_000n;
/** Added to CLOCK_MONOTONIC by the clock of these tests. */
export const unixOffset = 1_700_000_000n * second;

export const owner: Owner = {
  pid: 42,
  startNs: 1n,
  execs: 0,
  command: 'app',
  executable: 'app',
  cgroupId: 0n,
  netns: 7,
};

const socket: SocketRecord = {
  timeNs: 100n * second,
  cookie: 1n,
  netns: 7,
  owner,
  role: 'client',
  endpoints: {
    family: 4,
    localAddress: '10.1.2.3',
    localPort: 40_000,
    peerAddress: '192.0.2.9',
    peerPort: 8_080,
  },
};

export function connection(more: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return {
    ...socket,
    kind: 'close',
    handshakeStartNs: 90n * second,
    establishedNs: 91n * second,
    acceptedNs: 0n,
    bytesSent: 10n,
    bytesReceived: 20n,
    segmentsSent: 3,
    segmentsReceived: 4,
    segmentsRetransmitted: 1,
    rttSmoothedUs: 1_500,
    rttMinUs: 1_000,
    rtoUs: 204_000,
    receiveWindowLimitedUs: 1_250_000,
    segmentsOutOfOrder: 6,
    synRetransmits: 2,
    preexisting: false,
    ...more,
  };
}

export function retransmit(more: Partial<RetransmitRecord> = {}): RetransmitRecord {
  return {
    ...socket,
    kind: 'retransmit',
    type: 'fast',
    state: 'established',
    seq: 1_000,
    endSeq: 2_000,
    segments: 1,
    ...more,
  };
}

/** A segment of the socket above, or of another: a packet without an interface any more. */
export function dropped(more: Partial<DropRecord> = {}): DropRecord {
  const { timeNs, cookie, netns, endpoints } = socket;
  return {
    kind: 'drop',
    timeNs,
    cookie,
    netns,
    owner,
    family: 4,
    sourceAddress: endpoints.localAddress,
    sourcePort: endpoints.localPort,
    destinationAddress: endpoints.peerAddress,
    destinationPort: endpoints.peerPort,
    localPort: endpoints.localPort,
    peerPort: endpoints.peerPort,
    flags: 0x10,
    reason: 6,
    location: 0n,
    stack: [],
    interfaceName: '',
    ...more,
  };
}

/** Eventful, of request 1, answered after one second and for another. */
export function exchange(more: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    ...socket,
    kind: 'exchange',
    what: 'ended',
    isEventful: true,
    firstNs: 96n * second,
    lastNs: 97n * second,
    bytesSent: 100n,
    bytesReceived: 200n,
    segmentsRetransmitted: 1,
    rttSmoothedUs: 1_500,
    context: request(1),
    ...more,
  };
}

export function listener(more: Partial<ListenerRecord> = {}): ListenerRecord {
  const { role: _role, ...rest } = socket;
  return { ...rest, kind: 'listener_start', backlog: 128, ...more };
}

export function stateChange(more: Partial<StateRecord> = {}): StateRecord {
  return { ...socket, kind: 'state', state: 'close_wait', previous: 'established', ...more };
}

/** A request of its own for each number; sampled unless told otherwise. */
export function request(number = 1, more: Partial<RequestContext> = {}): RequestContext {
  const digits = number.toString(16);
  return {
    traceId: digits.padStart(32, 'a'),
    spanId: digits.padStart(16, 'b'),
    traceFlags: 1,
    method: 'http1_header',
    startSeq: 1_000,
    requestStartNs: 95n * second,
    ...more,
  };
}

export interface Harness {
  readonly correlator: Correlator;
  readonly events: NetworkEvent[];
  readonly spans: NetworkSpan[];
  /** CLOCK_MONOTONIC of the test. */
  nowNs: bigint;
}

/** A correlator without limits, unless `options` say otherwise. */
export function harness(options: Partial<CorrelatorOptions> = {}): Harness {
  const events: NetworkEvent[] = [];
  const spans: NetworkSpan[] = [];
  const clock: Clock = {
    toUnixNs: (ns) => ns + unixOffset,
    bootToUnixNs: (ns) => ns,
    now: () => result.nowNs,
  };
  const result = { events, spans, nowNs: 100n * second } as { -readonly [K in keyof Harness]: Harness[K] };
  result.correlator = createCorrelator({
    events: {},
    spans: {},
    rateLimit: 0,
    spanLimits: { perSecond: 0, maxPerParent: 0, maxPerTrace: 0 },
    connectionSampling: { ratio: 1, slowSeconds: 1 },
    bootId: 'boot',
    addresses: 'full',
    families: FAMILIES.flatMap(({ events: create }) => create ?? []),
    clock,
    resolve: (of): ObservedResource => ({ id: `workload:${of.pid}`, kind: 'workload', attributes: {} }),
    emitEvent: (event) => events.push(event),
    emitSpan: (span) => spans.push(span),
    now: () => result.nowNs,
    ...options,
  });
  return result;
}

/** Every attribute is in the registry of this event, and those that it must have are there. */
export function checkRegistered({ name, attributes }: NetworkEvent): void {
  const uses = EVENTS.find((descriptor) => descriptor.name === name)?.attributes ?? [];
  const registered = new Set(uses.map(({ key }) => key));
  for (const key of Object.keys(attributes)) assert.ok(registered.has(key), `${key} is not on ${name}`);
  for (const { key, level } of uses)
    if (level === 'required') assert.ok(key in attributes, `${name} lacks ${key}`);
}
