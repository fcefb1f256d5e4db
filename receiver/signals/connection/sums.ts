import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_PEER_CIDR,
  METRIC_TCP_CONNECTION_ACTIVE,
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_DURATION,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_CONNECTION_TRANSFER_SIZE,
  METRIC_TCP_HANDSHAKE_DURATION,
  METRIC_TCP_IO,
  METRIC_TCP_RETRANSMITS,
  METRIC_TCP_RTT,
  METRIC_TCP_RTT_VARIATION,
  METRIC_TCP_SEGMENTS,
  METRIC_TCP_SUBNET_IO,
  type MetricDescriptor,
} from '../../../semconv/index.ts';
import { RETRANSMIT_TYPE, SERIES, SERIES_KEY } from '../../decode/generated/layout.ts';
import { CLOSE_REASON_NAMES, RETRANSMIT_TYPE_NAMES } from '../../decode/names.ts';
import { rowsOf, type MapImage, type MapRow } from '../../model/map-image.ts';
import type { ObservedResource } from '../../model/resource.ts';
import { readConnectionKey, type ConnectionKey } from './key.ts';
import { kindOf } from './rare.ts';
import { Cells, gainedHistogram, type SumsContext, type RowMemory } from '../context.ts';
import {
  createAccount,
  RetransmitAccounts,
  takeOther,
  type RetransmitAccount,
} from './retransmit-accounting.ts';
import { RowPool } from './row-pool.ts';

/** One row of the kernel's `series`, as last read. */
export interface ConnectionRow extends Omit<ConnectionKey, 'state'> {
  readonly key: Uint8Array;
  readonly memory: RowMemory;
  readonly retransmits: RetransmitAccount;
  /** False while a program may still be adding under the stamp that was last read. */
  isSettled: boolean;
}

const BUCKETS = {
  handshake: METRIC_TCP_HANDSHAKE_DURATION.boundaries,
  duration: METRIC_TCP_CONNECTION_DURATION.boundaries,
  rtt: METRIC_TCP_RTT.boundaries,
  rtt_variation: METRIC_TCP_RTT_VARIATION.boundaries,
  size_sent: METRIC_TCP_CONNECTION_TRANSFER_SIZE.boundaries,
  size_received: METRIC_TCP_CONNECTION_TRANSFER_SIZE.boundaries,
} as const;
const NS = 1e9;

/** Turns the kernel's sums by workload, role and port into the connection metrics. */
export class ConnectionSums {
  readonly #context: SumsContext;
  readonly #rows = new Map<string, ConnectionRow>();
  readonly #memories = new RowPool(SERIES.size >> 3);
  /** Only when rows are told apart by state. */
  readonly #accounts: RetransmitAccounts | undefined;
  #lastPass = 0;

  constructor(context: SumsContext) {
    this.#context = context;
    if (context.optIn.has(ATTR_NETWORK_CONNECTION_STATE))
      this.#accounts = new RetransmitAccounts(SERIES_KEY.state);
  }

  get rows(): ReadonlyMap<string, ConnectionRow> {
    return this.#rows;
  }

  /**
   * Adds what each row gained since the last reading to the sink. A program stamps
   * a row before it adds to it, so a row is looked through once more after its stamp
   * stood still; `isFinal` looks through every row, whatever its stamp, and means a part of the map.
   */
  update(image: MapImage, isFinal = false): void {
    const cells = new Cells(image.values);
    for (const mapRow of rowsOf(image)) {
      const { id } = mapRow;
      let row = this.#rows.get(id);
      if (row === undefined) {
        row = this.#newRow(mapRow);
        this.#rows.set(id, row);
      }
      cells.moveTo(mapRow.valueAt);
      const isTouched = row.memory.gain(cells, SERIES.touched_ns) !== 0;
      if (isTouched || !row.isSettled || isFinal) this.#add(row, cells);
      row.isSettled = !isTouched;
      row.memory.gain(cells, SERIES.active);
      row.memory.gain(cells, SERIES.active_pass);
    }
    if (!isFinal) this.#settleAccounts();
  }

  /** The kernel no longer has this row; it may begin anew from zero. */
  forget(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.#memories.release(row.memory);
    if (this.#accounts?.close(row.key, row.retransmits) === true)
      this.#addOther(row.retransmits, row.retransmits.truth);
  }

  /** Sets what is true now, as of the iterator's pass. */
  setGauges(pass: number): void {
    this.#lastPass = pass;
    if (!this.#context.isOn(METRIC_TCP_CONNECTION_ACTIVE)) return;
    for (const row of this.#rows.values()) {
      if (row.isFailure) continue;
      const active = row.memory.seen(SERIES.active_pass) === pass ? row.memory.seen(SERIES.active) : 0;
      const everOpened = row.memory.seen(SERIES.opened) > 0;
      if (active === 0 && !everOpened) continue;
      const { sink } = this.#context;
      sink.set(METRIC_TCP_CONNECTION_ACTIVE, this.#context.resolve(row.owner), row.attributes.plain, active);
    }
  }

  /** Whether connections of the row were open when the sockets were last walked. */
  isActive({ memory }: ConnectionRow): boolean {
    return memory.seen(SERIES.active) > 0 && memory.seen(SERIES.active_pass) >= this.#lastPass;
  }

  #newRow(mapRow: MapRow): ConnectionRow {
    const key = mapRow.key();
    const { state, ...facts } = readConnectionKey(this.#context, mapRow.keys, mapRow.keyAt);
    const retransmits = this.#accounts?.open(key) ?? createAccount();
    const row: ConnectionRow = {
      key,
      ...facts,
      memory: this.#memories.take(),
      retransmits,
      isSettled: true,
    };
    if (state === undefined) retransmits.base = row;
    return row;
  }

  #add(row: ConnectionRow, cells: Cells): void {
    const resource = this.#context.resolve(row.owner);
    const { memory } = row;
    const plain = (metric: MetricDescriptor, offset: number, attributes: Attributes): void =>
      this.#count(metric, resource, attributes, memory.gain(cells, offset));
    plain(METRIC_TCP_CONNECTION_OPENED, SERIES.opened, row.attributes.withType);
    for (const reason of CLOSE_REASON_NAMES.keys()) {
      const gained = memory.gain(cells, SERIES.closed + 8 * reason);
      if (gained > 0)
        this.#count(METRIC_TCP_CONNECTION_CLOSED, resource, row.attributes.closedBy(reason), gained);
    }
    const { sent, received } = row.attributes;
    this.#addBytes(row, resource, memory.gain(cells, SERIES.bytes_sent), sent);
    this.#addBytes(row, resource, memory.gain(cells, SERIES.bytes_received), received);
    plain(METRIC_TCP_SEGMENTS, SERIES.segments_sent, sent);
    plain(METRIC_TCP_SEGMENTS, SERIES.segments_received, received);
    this.#addRetransmits(row, resource, cells);
    const histogram = (
      metric: MetricDescriptor,
      field: keyof typeof BUCKETS,
      attributes: Attributes,
    ): void => {
      const buckets = (BUCKETS[field]?.length ?? 0) + 1;
      const unit = metric.unit === 's' ? NS : 1;
      const gained = gainedHistogram(memory, cells, { from: SERIES[field], buckets, unit });
      if (gained === undefined || !this.#context.isOn(metric)) return;
      this.#context.sink.addHistogram(metric, resource, attributes, gained);
    };
    histogram(METRIC_TCP_HANDSHAKE_DURATION, 'handshake', row.attributes.withType);
    histogram(METRIC_TCP_CONNECTION_DURATION, 'duration', row.attributes.plain);
    histogram(METRIC_TCP_RTT, 'rtt', row.attributes.plain);
    histogram(METRIC_TCP_RTT_VARIATION, 'rtt_variation', row.attributes.plain);
    histogram(METRIC_TCP_CONNECTION_TRANSFER_SIZE, 'size_sent', sent);
    histogram(METRIC_TCP_CONNECTION_TRANSFER_SIZE, 'size_received', received);
    this.#expectRare(row, resource);
  }

  #expectRare(row: ConnectionRow, resource: ObservedResource): void {
    const { rare, sink } = this.#context;
    if (rare === undefined) return;
    sink.expect(resource, row.attributes, () => {
      const kind = kindOf(row);
      return kind === undefined ? [] : rare(kind);
    });
  }

  /** Payload counts on the workload, and by subnet on the host. */
  #addBytes(row: ConnectionRow, resource: ObservedResource, gained: number, attributes: Attributes): void {
    this.#count(METRIC_TCP_IO, resource, attributes, gained);
    if (row.cidr === undefined) return;
    this.#count(
      METRIC_TCP_SUBNET_IO,
      this.#context.host(),
      {
        [ATTR_PEER_CIDR]: row.cidr,
        [ATTR_NETWORK_IO_DIRECTION]: attributes[ATTR_NETWORK_IO_DIRECTION],
      },
      gained,
    );
  }

  /**
   * The total is what the sockets counted; the types come from events, which the
   * kernel can skip. What no event explained is `other`. SYN-ACKs are counted by
   * events alone: they are sent before there is a socket.
   */
  #addRetransmits(row: ConnectionRow, resource: ObservedResource, cells: Cells): void {
    const account = row.retransmits;
    for (const type of RETRANSMIT_TYPE_NAMES.keys()) {
      const offset = SERIES.retransmits + 8 * type;
      const gained = row.memory.gain(cells, offset);
      if (type !== RETRANSMIT_TYPE.RETRANSMIT_SYN_ACK) account.explained += gained;
      if (gained > 0)
        this.#count(METRIC_TCP_RETRANSMITS, resource, row.attributes.retransmitted(type), gained);
    }
    account.truth += row.memory.gain(cells, SERIES.segments_retransmitted);
    if (this.#accounts === undefined) this.#addOther(account, account.truth);
  }

  /** Rows of one account are not read at once: what a socket said before this reading, its events explained by now. */
  #settleAccounts(): void {
    for (const account of this.#accounts?.all() ?? []) {
      this.#addOther(account, account.settledTruth);
      account.settledTruth = account.truth;
    }
  }

  #addOther(account: RetransmitAccount, truth: number): void {
    const gained = takeOther(account, truth);
    if (account.base === undefined || gained === 0) return;
    const unexplained = account.base.attributes.retransmitted(RETRANSMIT_TYPE.RETRANSMIT_OTHER);
    this.#count(METRIC_TCP_RETRANSMITS, this.#context.resolve(account.base.owner), unexplained, gained);
  }

  #count(metric: MetricDescriptor, resource: ObservedResource, attributes: Attributes, gained: number): void {
    if (gained > 0 && this.#context.isOn(metric))
      this.#context.sink.add(metric, resource, attributes, gained);
  }
}
