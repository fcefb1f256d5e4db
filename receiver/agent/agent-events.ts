import type { Attributes } from '@opentelemetry/api';
import type { AppConfig } from '../../config/index.ts';
import {
  ATTR_AGENT_PROBE_NAME,
  ATTR_ERROR_TYPE,
  ATTR_EVENT_SUPPRESSED,
  EVENT_AGENT_EVENT_LOSS,
  EVENT_AGENT_PROBE_FAIL,
  EVENT_AGENT_START,
  EVENT_AGENT_STOP,
  SCOPE_NAMES,
  type EventDescriptor,
} from '../../semconv/index.ts';
import type { NetworkEvent } from '../model/event.ts';
import type { ObservedResource } from '../model/resource.ts';
import type { LossTotal } from '../telemetry/agent-sources.ts';

const LOSS_INTERVAL_MS = 60_000;

/** The agent's life as log events: start, stop, probes that failed, and losses at most once a minute. */
export class AgentEvents {
  #config: AppConfig;
  readonly #resource: ObservedResource;
  readonly #emit: (event: NetworkEvent) => void;
  readonly #seen = new Map<string, number>();
  #nextLossMs = 0;

  constructor(config: AppConfig, resource: ObservedResource, emit: (event: NetworkEvent) => void) {
    this.#config = config;
    this.#resource = resource;
    this.#emit = emit;
  }

  /** From now on these settings say which events are sent. */
  reconfigure(config: AppConfig): void {
    this.#config = config;
  }

  started(): void {
    this.#send(EVENT_AGENT_START, {});
  }

  /** The last one: losses that come to light later are in the metrics alone. */
  stopping(): void {
    this.#send(EVENT_AGENT_STOP, {});
    this.#nextLossMs = Infinity;
  }

  probeFailed(probe: string): void {
    this.#send(EVENT_AGENT_PROBE_FAIL, { [ATTR_AGENT_PROBE_NAME]: probe, [ATTR_ERROR_TYPE]: 'unsupported' });
  }

  /** One event for each reason that grew; `nowMs` is any steady clock. */
  losses(lost: readonly LossTotal[], nowMs: number): void {
    if (nowMs < this.#nextLossMs) return;
    const totals = new Map<string, number>();
    for (const { reason, count } of lost) totals.set(reason, (totals.get(reason) ?? 0) + count);
    for (const [reason, count] of totals) {
      const grown = count - (this.#seen.get(reason) ?? 0);
      if (grown <= 0) continue;
      this.#seen.set(reason, count);
      this.#nextLossMs = nowMs + LOSS_INTERVAL_MS;
      this.#send(EVENT_AGENT_EVENT_LOSS, { [ATTR_ERROR_TYPE]: reason, [ATTR_EVENT_SUPPRESSED]: grown });
    }
  }

  #send(event: EventDescriptor, attributes: Attributes): void {
    if (this.#config.events.get(event.name) !== 'on') return;
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    this.#emit({
      name: event.name,
      resource: this.#resource,
      scope: SCOPE_NAMES.agent,
      severityNumber: event.severityNumber,
      timeUnixNs: nowNs,
      observedTimeUnixNs: nowNs,
      attributes,
    });
  }
}
