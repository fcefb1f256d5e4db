import type { Attributes } from '@opentelemetry/api';
import { createMetricStore, type MetricStore } from '../aggregate/metric-store.ts';
import type { AppConfig } from '../../config/index.ts';
import { monotonicToRealtime } from '../../native/index.ts';
import { createClock, type Clock } from '../model/clock.ts';
import type { MetricSink } from '../model/metric-sink.ts';
import type { Owner } from '../model/resource.ts';
import type { SumsContext } from '../signals/context.ts';
import { ATTR_SERVICE_NAME } from '../../semconv/index.ts';
import { FAMILIES } from '../signals/index.ts';
import { LiveTable, type LiveRow } from '../signals/live-table.ts';
import { decodeBatch } from '../signals/records.ts';
import { createMachine, type Machine } from '../host/machine.ts';
import { maskAddress } from '../correlate/mask.ts';
import { createCorrelator, type Correlator } from '../correlate/correlator.ts';
import { Http2Streams } from '../correlate/http2-streams.ts';
import type { OtlpJoin } from '../correlate/otlp-join.ts';
import type { DecodeCounters } from '../decode/batch.ts';
import { RECORD_HEADER } from '../decode/generated/layout.ts';
import { OwnerTable } from '../decode/owners.ts';
import type { Enricher } from '../enrich/enricher.ts';
import { emitterSettingsOf } from '../settings/emitter.ts';
import { maxWaysOf, slowPacketMsOf } from '../settings/packets.ts';
import { createExemplars, type Exemplars } from '../exemplars/exemplars.ts';
import { createPipelineEnricher } from './pipeline-enricher.ts';
import { createPipelineJoin } from './pipeline-join.ts';
import { rowsOf } from '../model/map-image.ts';
import type { KernelRecord, SignalRecord } from '../model/record.ts';
import type { NetworkEvent, NetworkSpan } from '../model/event.ts';
import type { KernelFilter } from '../source/filter.ts';
import type { Kernel } from '../source/kernel.ts';
import type { OwnedMap } from './owned-maps.ts';
import { QuietRows } from './quiet-rows.ts';
import { SignalSums } from './signal-sums.ts';
import { Sweep, type SweepParts } from './sweep.ts';

/** Where finished events and spans go; false when it was not taken. */
export interface Outlets {
  event(event: NetworkEvent): void;
  span(span: NetworkSpan): void;
}

/**
 * From kernel memory to measurements, events and spans: everything between the
 * source and the exporters. It has no timers: `main` says when.
 */
export class Pipeline {
  readonly store: MetricStore;
  readonly sums: SignalSums;
  readonly correlator: Correlator;
  /** Absent without the OTLP tap. */
  readonly join: OtlpJoin | undefined;
  /** Absent without `correlation.http2`. */
  readonly streams: Http2Streams | undefined;
  readonly enricher: Enricher;
  readonly clock: Clock;
  readonly decoded: DecodeCounters = { decoded: 0, bad: 0, received: [] };
  readonly sweep: Sweep;
  readonly quietRows: QuietRows;
  readonly exemplars: Exemplars;
  lastPass = 0;
  /** Told the age of the oldest record of each batch, in seconds. */
  onBatch: ((lagSeconds: number) => void) | undefined;
  /** Given the records of each batch, those for views alone among them; valid during the call. */
  onRecords: ((bytes: Uint8Array) => void) | undefined;
  /** Told what counters gain; with `views.socket`. */
  onGain: ((metric: string, attributes: Attributes, delta: number) => void) | undefined;
  readonly #source: Kernel;
  readonly #machine: Machine;
  readonly #owners: OwnerTable;
  readonly #context: SumsContext;
  readonly #config: AppConfig;
  #isStopping = false;

  /** `machine`: the one that the kernel is of. */
  constructor(
    source: Kernel,
    config: AppConfig,
    outlets: Outlets,
    machine: Machine = createMachine(monotonicToRealtime),
  ) {
    this.#source = source;
    this.#machine = machine;
    this.#config = config;
    this.streams = config.correlation.http2 ? new Http2Streams() : undefined;
    this.clock = createClock(() => machine.sampleClocks());
    this.enricher = createPipelineEnricher({ source, machine }, config, this);
    this.#owners = new OwnerTable(config.bpf.maxOwners, (key, info) => source.lookup('owners', key, info));
    this.store = createMetricStore({
      temporality: config.temporality,
      startUnixNs: this.clock.toUnixNs(this.clock.now()),
      monotonicNs: () => machine.steadyNs(),
      maxSeries: config.seriesLimit,
      spillResource: this.enricher.host(),
      foldInto: config.foldShortLived ? (resource) => this.enricher.foldOf(resource) : undefined,
    });
    this.#context = {
      sink: config.views === undefined ? this.store : this.#toldSink(),
      isOn: ({ name }) => config.metrics.get(name) ?? false,
      optIn: config.attributes,
      mask: (address) => maskAddress(address, config.addresses),
      subnets: config.subnets.map(({ text }) => text),
      ownerAt: (view, offset) => this.#owners.find(view, offset),
      resolve: (owner) => this.enricher.resolve(owner),
      host: () => this.enricher.host(),
      rare: (kind) =>
        FAMILIES.flatMap((family) => family.rare?.(kind, config.attributes) ?? []).filter(
          ([metric]) => config.metrics.get(metric.name) ?? false,
        ),
    };
    this.sums = this.#createSums();
    this.correlator = this.#createCorrelator(outlets);
    const { clock, enricher } = this;
    this.join = createPipelineJoin(config, {
      clock,
      enricher,
      release: (record) => this.correlator.handle(record),
    });
    this.exemplars = createExemplars(this.store, config, {
      context: this.#context,
      clock: this.clock,
      names: source.names,
      families: FAMILIES.flatMap(({ exemplars }) => exemplars ?? []),
    });
    [this.sweep, this.quietRows] = this.#createSweeps();
    this.#meetNamespaces();
  }

  /** Namespaces of processes older than the agent: what was counted before it is not its own. */
  #meetNamespaces(): void {
    for (const { keys, keyAt } of rowsOf(this.#source.read('owners')))
      this.sums.meet(this.#owners.find(keys, keyAt));
  }

  #toldSink(): MetricSink {
    const { store } = this;
    return {
      add: (metric, resource, attributes, delta) => {
        store.add(metric, resource, attributes, delta);
        this.onGain?.(metric.name, attributes, delta);
      },
      addHistogram: (...args) => store.addHistogram(...args),
      set: (...args) => store.set(...args),
      expect: (...args) => store.expect(...args),
    };
  }

  #createCorrelator(outlets: Outlets): Correlator {
    return createCorrelator({
      ...emitterSettingsOf(this.#config),
      bootId: this.#machine.bootId(),
      addresses: this.#config.addresses,
      names: this.#source.names,
      families: FAMILIES.flatMap(({ events }) => events ?? []),
      clock: this.clock,
      resolve: (owner) => this.enricher.resolve(owner),
      emitEvent: (event) => outlets.event(event),
      emitSpan: (span) => outlets.span(span),
      now: () => this.#machine.steadyNs(),
    });
  }

  #createSums(): SignalSums {
    const aboveMs = slowPacketMsOf(this.#config);
    return new SignalSums({
      context: this.#context,
      kernel: this.#source,
      host: this.#machine,
      overflow: (record) => this.correlator.handle(record),
      maxWays: maxWaysOf(this.#config),
      slowPackets: aboveMs === undefined ? undefined : { aboveMs, tell: (record) => this.#signal(record) },
      now: () => this.clock.now(),
    });
  }

  #createSweeps(): [Sweep, QuietRows] {
    const parts: SweepParts = {
      kernel: this.#source,
      maps: this.sums.maps.filter((map): map is OwnedMap => map.rows !== undefined),
      owners: this.#owners,
      resources: this.enricher,
      store: this.store,
      awaited: () => this.sums.awaited(),
      isAlive: (owner) => this.#machine.isAlive(owner),
    };
    return [new Sweep(parts), new QuietRows(parts)];
  }

  /** Empties the ring; returns the bytes read. */
  drain(): number {
    return this.#source.drain((bytes) => {
      // Read anew for each batch: the real-time clock may have been set.
      const now = this.clock.now();
      if (bytes.length >= RECORD_HEADER.size) {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        this.onBatch?.(Number(now - view.getBigUint64(RECORD_HEADER.ts_ns, true)) / 1e9);
      }
      decodeBatch(bytes, this.#owners, this.decoded, (record) => this.#handle(record));
      this.onRecords?.(bytes);
    });
  }

  #handle(record: KernelRecord): void {
    if (record.kind === 'owner') {
      this.enricher.observe(record.owner);
      this.sums.meet(record.owner);
    } else if (record.kind === 'http2') this.streams?.take(record);
    else if (record.kind === 'packet') this.sums.see(record);
    else this.#signal(record);
  }

  /** Tells all of the record, with the context of its stream if it has one. */
  #signal(record: SignalRecord): void {
    const found = this.streams?.resolve(record) ?? record;
    (this.join ?? this.correlator).handle(found);
    this.sums.see(found);
    this.exemplars.see(found);
  }

  /** Walks the live sockets, then reads every kernel sum into the store. */
  collect(): void {
    this.drain();
    this.sums.tick(this.clock.now());
    this.#pass();
    this.readSums();
    this.sums.read((map) => this.#source.read(map), { isOften: false });
    this.sums.setGauges(this.lastPass);
    if (!this.#isStopping) this.sums.settle(this.lastPass);
    // What the sums hold has left its records by now: exemplars find their point.
    this.drain();
  }

  /** The programs are detached: what they left in the ring, and the last events. */
  stop(): void {
    this.drain();
    this.sums.end();
    this.join?.flush();
    this.correlator.flush();
    this.#pass();
    this.readSums();
    this.sums.settle(this.lastPass);
    this.#isStopping = true;
  }

  #pass(): void {
    const now = this.clock.now();
    this.lastPass = this.sums.pass(now) ?? this.#source.pass(now);
  }

  /** Reads what is read between collections: cheap enough for a live view. */
  readSums(): void {
    this.sums.read((map) => this.#source.read(map), { isOften: true });
  }

  /** Reads the sums of softirqs, too. */
  readSoftirqs(): void {
    this.sums.readOne('softirqs', (map) => this.#source.read(map));
  }

  /** What the live view shows, as read last. */
  liveRows(): LiveRow[] {
    const serviceOf = (owner: Owner): string => {
      const name = this.enricher.resolve(owner).attributes[ATTR_SERVICE_NAME];
      return typeof name === 'string' ? name : '';
    };
    const table = new LiveTable(this.lastPass, serviceOf);
    this.sums.show(table);
    return table.rows();
  }

  /** Once every few seconds: frees what ended processes left behind. */
  sweepEnded(): void {
    this.drain();
    this.readSums();
    this.sums.settle(this.lastPass);
    const now = Number(this.clock.now());
    this.sweep.run(now);
    this.quietRows.run(now);
    this.enricher.sweep();
  }

  tick(): void {
    this.sums.tick(this.clock.now());
    this.join?.tick();
    this.correlator.tick(this.#machine.steadyNs());
  }

  /** Other modes and limits of events and spans, from now on. */
  reconfigure(config: AppConfig): void {
    this.correlator.reconfigure(emitterSettingsOf(config));
  }

  /** Another filter, from now on: what was moved until now still counts as the one before says. */
  setFilter(filter: KernelFilter): void {
    this.#source.pass(this.clock.now());
    this.#source.setFilter(filter);
    this.lastPass = this.#source.pass(this.clock.now());
    this.readSums();
  }
}
