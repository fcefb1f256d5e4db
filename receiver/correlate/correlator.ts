import { SPAN_TCP_CONNECTION } from '../../semconv/index.ts';
import { RecordDispatch } from '../model/record-handlers.ts';
import type { KernelNames, SignalRecord } from '../model/record.ts';
import { createConnectionIds } from './connection-id.ts';
import { ConnectionLinks } from './connection-links.ts';
import { DECISIONS, type Decision } from './decide.ts';
import { Emitter, type EmitterCounters, type EmitterOptions, type EmitterSettings } from './emitter.ts';
import { maskAddress, type AddressMode } from './mask.ts';
import { Exchanges } from './exchanges.ts';
import type { CreateEvents, RecordEvents } from './record-events.ts';
import { createSocketAttributes } from './socket-attributes.ts';

export interface CorrelatorOptions extends EmitterOptions {
  /** `/proc/sys/kernel/random/boot_id`. */
  readonly bootId: string;
  readonly addresses: AddressMode;
  /** Words for this kernel's numbers; without them a number stands for itself. */
  readonly names?: KernelNames;
  /** What makes events of records: where two want the same record, in this order. */
  readonly families: Iterable<CreateEvents>;
}

/** Eventful exchanges that go on at once. */
const MAX_EXCHANGES = 10_000;

const NUMBERS: KernelNames = {
  dropReason: (reason) => `unknown_${String(reason)}`,
  resetReason: () => undefined,
  functionAt: () => undefined,
};

/** Trace-context look-ups by outcome: `wirespan.agent.correlation.lookups`. */
export type LookupCounters = Record<Decision['result'], number>;

export interface CorrelatorCounters extends Readonly<EmitterCounters> {
  readonly lookups: Readonly<LookupCounters>;
  /** How often a bound on what is remembered was met; no event or span is lost by that. */
  readonly boundsMet: Readonly<Record<string, number>>;
}

/** Turns records into log events and spans. Emits nothing after `flush`, unless given more. */
export interface Correlator {
  handle(record: SignalRecord): void;
  /** Ends what has been quiet for a second; call about once a second with CLOCK_MONOTONIC. */
  tick(nowNs: bigint): void;
  /** Ends everything that is still open. */
  flush(): void;
  /** From now on these modes and limits hold; limits that changed begin anew. */
  reconfigure(settings: EmitterSettings): void;
  readonly counters: CorrelatorCounters;
}

export function createCorrelator(options: CorrelatorOptions): Correlator {
  return new RecordCorrelator(options);
}

class RecordCorrelator implements Correlator {
  readonly #emitter: Emitter;
  readonly #links: ConnectionLinks;
  readonly #families: readonly RecordEvents[];
  readonly #dispatch: RecordDispatch;
  readonly #lookups: LookupCounters = { hit: 0, miss: 0, stale: 0, invalid: 0 };

  constructor(options: CorrelatorOptions) {
    const { addresses, bootId, names = NUMBERS, families } = options;
    const connectionIds = createConnectionIds(bootId);
    this.#emitter = new Emitter(options);
    this.#links = new ConnectionLinks(() => this.#emitter.spanMode(SPAN_TCP_CONNECTION) !== 'off');
    const parts = {
      emitter: this.#emitter,
      sockets: createSocketAttributes(connectionIds, addresses),
      connectionIds,
      links: this.#links,
      exchanges: new Exchanges(MAX_EXCHANGES),
      names,
      decisions: DECISIONS,
      mask: (address: string) => maskAddress(address, addresses),
      count: (decision: Decision) => this.#count(decision),
    };
    this.#families = Array.from(families, (create) => create(parts));
    this.#dispatch = new RecordDispatch(this.#families.map(({ handlers }) => handlers));
  }

  handle(record: SignalRecord): void {
    this.#dispatch.handle(record);
  }

  tick(nowNs: bigint): void {
    for (const family of this.#families) family.expire?.(nowNs);
  }

  flush(): void {
    for (const family of this.#families) family.endAll?.();
  }

  reconfigure(settings: EmitterSettings): void {
    this.#emitter.reconfigure(settings);
  }

  get counters(): CorrelatorCounters {
    const ofFamilies = this.#families.map(({ boundsMet }) => boundsMet);
    const boundsMet = Object.assign({}, ...ofFamilies, {
      'connections forgotten before their spans': this.#links.evictions,
      'rate limits forgotten': this.#emitter.limitsForgotten,
    }) as Record<string, number>;
    return { ...this.#emitter.counters, lookups: { ...this.#lookups }, boundsMet };
  }

  #count(decision: Decision): Decision {
    this.#lookups[decision.result] += 1;
    return decision;
  }
}
