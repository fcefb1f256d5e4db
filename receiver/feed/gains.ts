/** What a view is told of sums: how much metrics gained, by the attributes that it shows. */
import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_CPU_LOGICAL_NUMBER,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_PEER_CIDR,
  ATTR_SOFTIRQ_VECTOR,
  METRIC_SOFTIRQ_TIME,
  METRIC_TCP_SUBNET_IO,
} from '../../semconv/index.ts';
import type { Greeting } from './protocol.ts';

/** Metrics that views show the gains of, with the attributes that they look at. So there are few of each. */
const SUMMED: ReadonlyMap<string, readonly string[]> = new Map([
  [METRIC_TCP_SUBNET_IO.name, [ATTR_PEER_CIDR, ATTR_NETWORK_IO_DIRECTION]],
  [METRIC_SOFTIRQ_TIME.name, [ATTR_SOFTIRQ_VECTOR, ATTR_CPU_LOGICAL_NUMBER]],
]);
/** They are told apart by these only when that is asked for. */
const OPT_IN: ReadonlySet<string> = new Set([ATTR_CPU_LOGICAL_NUMBER]);

/** What one series gained, in its unit. */
export interface GainAnswer {
  /** The metric's name. */
  readonly metric: string;
  readonly attributes: Attributes;
  readonly value: number;
}

/** A metric that no view shows the gains of; undefined: there is none. */
export function unsummedMetric({ sums }: Greeting): string | undefined {
  return sums?.metrics.find((name) => !SUMMED.has(name));
}

/** What the metrics gained that one view asked for, until it takes it. */
export class FeedGains {
  readonly #wanted: ReadonlyMap<string, readonly string[]>;
  #gains = new Map<string, GainAnswer & { value: number }>();

  constructor({ sums, attributes }: Greeting) {
    const isShown = (name: string): boolean => !OPT_IN.has(name) || attributes.includes(name);
    this.#wanted = new Map(
      (sums?.metrics ?? []).map((name) => [name, (SUMMED.get(name) ?? []).filter(isShown)]),
    );
  }

  add(metric: string, attributes: Attributes, value: number): void {
    const names = this.#wanted.get(metric);
    if (names === undefined || value <= 0) return;
    const key = `${metric} ${names.map((name) => String(attributes[name])).join(' ')}`;
    const gain = this.#gains.get(key);
    if (gain !== undefined) {
      gain.value += value;
      return;
    }
    const shown = Object.fromEntries(names.map((name) => [name, attributes[name]]));
    this.#gains.set(key, { metric, attributes: shown, value });
  }

  /** Those since the last call. */
  take(): GainAnswer[] {
    const gains = [...this.#gains.values()];
    this.#gains = new Map();
    return gains;
  }
}
