import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_NETWORK_TYPE,
  ATTR_SERVER_PORT,
  METRIC_TCP_ACCEPT_QUEUE_DURATION,
  METRIC_TCP_ACCEPT_QUEUE_LIMIT,
  METRIC_TCP_ACCEPT_QUEUE_USAGE,
  METRIC_TCP_ACCEPT_QUEUE_UTILIZATION,
  METRIC_TCP_LISTENER_COUNT,
  type MetricDescriptor,
} from '../../../semconv/index.ts';
import { readAddress } from '../../decode/bytes.ts';
import { LISTENER, LISTENER_KEY, LISTENER_LENGTH } from '../../decode/generated/layout.ts';
import { rowsOf, type MapImage, type MapRow } from '../../model/map-image.ts';
import type { Owner } from '../../model/resource.ts';
import { addressAttributes } from '../addresses.ts';
import { Cells, gainedHistogram, OVERFLOW_ATTRIBUTES, RowMemory, type SumsContext } from '../context.ts';
import { rareOverflows } from './rare.ts';

/** One row of the kernel's `listeners`. */
export interface ListenerRow {
  readonly key: Uint8Array;
  readonly owner: Owner;
  readonly port: number;
  /** Several of its owner's, or of everybody's: it has no port, nor an address. */
  readonly isOverflow: boolean;
  readonly attributes: Attributes;
  readonly memory: RowMemory;
  /** `struct listener.local` of the socket that the row speaks of. */
  local: Uint8Array;
  /** SYNs and connections that were refused, of which it is not settled yet what they were refused for. */
  refused: number;
  /** How often its accept queue was seen full since that was last settled, and whether it was before. */
  filled: number;
  wasFilled: boolean;
}

const ADDRESS_BYTES = LISTENER_LENGTH.local;
/** Rows that went and wait for the next look at the namespaces' counters. */
const MAX_GONE = 1_024;
const PARTS_PER_MILLION = 1e6;
const NS = 1e9;

/** Cells that are no sums. */
const FACTS = [
  LISTENER.pass,
  LISTENER.count,
  LISTENER.usage,
  LISTENER.limit,
  LISTENER.flooded,
  LISTENER.netns,
  LISTENER.cookie,
  LISTENER.backlog,
  LISTENER.namespace_id,
  LISTENER.uses,
];

/** Listening sockets and their accept queues. */
export class ListenerSums {
  readonly #context: SumsContext;
  readonly #rows = new Map<string, ListenerRow>();
  /** Taken out of the kernel with something to be settled. */
  readonly #gone: ListenerRow[] = [];
  #unsettled = 0;
  #lastPass = 0;

  constructor(context: SumsContext) {
    this.#context = context;
  }

  get rows(): ReadonlyMap<string, ListenerRow> {
    return this.#rows;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    for (const mapRow of rowsOf(image)) {
      const { id, valueAt: from } = mapRow;
      let row = this.#rows.get(id);
      if (row === undefined) {
        row = this.#newRow(mapRow);
        this.#rows.set(id, row);
      }
      this.#add(row, cells.moveTo(from));
      row.local = image.values.slice(from + LISTENER.local, from + LISTENER.local + ADDRESS_BYTES);
    }
  }

  /** The kernel no longer has the row; what it refused last is still to be settled. */
  forget(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    if (row.refused === 0) return;
    if (this.#gone.length < MAX_GONE) this.#gone.push(row);
    else this.#unsettled += 1;
  }

  /** Rows that went with overflows that nothing counts, since too many did at once. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** The rows, and once those that went since the last time. */
  takeRows(): ListenerRow[] {
    return [...this.#rows.values(), ...this.#gone.splice(0)];
  }

  /** Whether a socket of the row was listening when the sockets were last walked. */
  isOpen({ memory }: ListenerRow): boolean {
    return memory.seen(LISTENER.pass) >= Math.max(1, this.#lastPass);
  }

  setGauges(pass: number): void {
    this.#lastPass = pass;
    for (const row of this.#rows.values()) {
      if (row.memory.seen(LISTENER.pass) !== pass) continue;
      const { sink } = this.#context;
      const resource = this.#context.resolve(row.owner);
      const set = (metric: MetricDescriptor, offset: number): void => {
        if (!this.#context.isOn(metric)) return;
        sink.set(metric, resource, row.attributes, row.memory.seen(offset));
      };
      set(METRIC_TCP_LISTENER_COUNT, LISTENER.count);
      set(METRIC_TCP_ACCEPT_QUEUE_USAGE, LISTENER.usage);
      set(METRIC_TCP_ACCEPT_QUEUE_LIMIT, LISTENER.limit);
      if (!row.isOverflow) sink.expect(resource, row, () => rareOverflows(row, this.#context));
    }
  }

  #newRow(mapRow: MapRow): ListenerRow {
    const { keys: view, keyAt: at } = mapRow;
    return {
      key: mapRow.key(),
      owner: this.#context.ownerAt(view, at + LISTENER_KEY.owner),
      port: view.getUint16(at + LISTENER_KEY.port, true),
      isOverflow: view.getUint8(at + LISTENER_KEY.overflow) !== 0,
      attributes: this.#attributes(view, at),
      memory: new RowMemory(LISTENER.size >> 3),
      local: new Uint8Array(ADDRESS_BYTES),
      refused: 0,
      filled: 0,
      wasFilled: false,
    };
  }

  #attributes(view: DataView, at: number): Attributes {
    if (view.getUint8(at + LISTENER_KEY.overflow) !== 0) return OVERFLOW_ATTRIBUTES;
    const family = view.getUint8(at + LISTENER_KEY.family);
    const type = family === 6 ? 'ipv6' : 'ipv4';
    const hasLocal = view.getUint8(at + LISTENER_KEY.has_local) !== 0;
    return {
      [ATTR_SERVER_PORT]: view.getUint16(at + LISTENER_KEY.port, true),
      ...(this.#context.optIn.has(ATTR_NETWORK_TYPE) && { [ATTR_NETWORK_TYPE]: type }),
      ...(hasLocal &&
        addressAttributes(this.#context, {
          [ATTR_NETWORK_LOCAL_ADDRESS]: readAddress(view, at + LISTENER_KEY.local, family),
        })),
    };
  }

  #add(row: ListenerRow, cells: Cells): void {
    const { sink } = this.#context;
    for (const offset of FACTS) row.memory.gain(cells, offset);
    row.refused += row.memory.gain(cells, LISTENER.drops);
    row.filled += row.memory.gain(cells, LISTENER.filled);
    const resource = this.#context.resolve(row.owner);
    const histogram = (metric: MetricDescriptor, from: number, unit: number): void => {
      const buckets = (metric.boundaries?.length ?? 0) + 1;
      const gained = gainedHistogram(row.memory, cells, { from, buckets, unit });
      if (gained !== undefined && this.#context.isOn(metric))
        sink.addHistogram(metric, resource, row.attributes, gained);
    };
    histogram(METRIC_TCP_ACCEPT_QUEUE_UTILIZATION, LISTENER.utilization, PARTS_PER_MILLION);
    histogram(METRIC_TCP_ACCEPT_QUEUE_DURATION, LISTENER.accept_wait, NS);
  }
}
