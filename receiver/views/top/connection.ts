import { socketId } from '../../model/ids.ts';
import type { Endpoints, SocketRecord } from '../../model/record.ts';
import type { Owner } from '../../model/resource.ts';
import { Traffic } from './traffic.ts';

/** The last of each that are remembered of one connection. */
const MAX_STEPS = 16;
const MAX_TRACES = 16;

/** From when on it was in a state. */
export interface StateStep {
  /** `network.connection.state`. */
  readonly state: string;
  /** CLOCK_MONOTONIC nanoseconds; 0n: it is older than the view. */
  readonly sinceNs: bigint;
}

/** What is known of a connection. */
export class TopConnection {
  /** `socketId` */
  readonly id: string;
  readonly cookie: bigint;
  readonly netns: number;
  owner: Owner;
  endpoints: Endpoints;
  role: SocketRecord['role'];
  readonly traffic = new Traffic();
  /** All that it had moved when it was last told of; undefined: nothing was told. */
  told: { readonly sent: number; readonly received: number } | undefined;
  /** The states that it was in, the last one is now. */
  steps: readonly StateStep[] = [];
  /** Trace ids of its requests, the newest first. */
  traces: readonly string[] = [];
  /** It was established in the view's time, and is counted as opened by its owner. */
  isOpened = false;
  /** CLOCK_MONOTONIC nanoseconds; undefined: it is open. */
  closedNs: bigint | undefined;
  /** `wirespan.tcp.close.reason`, and `error.type`. */
  closeReason: string | undefined;
  error: string | undefined;

  constructor({ cookie, netns, owner, endpoints, role }: SocketRecord) {
    this.id = socketId({ netns, cookie });
    this.cookie = cookie;
    this.netns = netns;
    this.owner = owner;
    this.endpoints = endpoints;
    this.role = role;
  }

  get state(): string | undefined {
    return this.steps.at(-1)?.state;
  }

  enter(state: string, sinceNs: bigint): void {
    if (state === this.state) return;
    this.steps = [...this.steps.slice(1 - MAX_STEPS), { state, sinceNs }];
  }

  /** A record of it says who has it now. */
  meet({ owner, endpoints, role }: SocketRecord): void {
    this.owner = owner;
    this.endpoints = endpoints;
    this.role = role ?? this.role;
  }

  request(traceId: string): void {
    if (this.traces.includes(traceId)) return;
    this.traces = [traceId, ...this.traces].slice(0, MAX_TRACES);
  }
}
