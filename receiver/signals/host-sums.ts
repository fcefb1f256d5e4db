import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_CPU_LOGICAL_NUMBER,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_TRANSPORT,
  ATTR_SERVER_PORT,
  ATTR_SOFTIRQ_VECTOR,
  ATTR_TCP_HANDSHAKE_ROLE,
  METRIC_PACKET_DROPPED,
  METRIC_SOFTIRQ_DURATION,
  METRIC_SOFTIRQ_TIME,
  METRIC_SOFTIRQ_WAIT_DURATION,
  METRIC_SYSTEM_NETWORK_CONNECTION_COUNT,
  METRIC_TCP_STATE_DURATION,
} from '../../semconv/index.ts';
import { DROP_KEY, SOFTIRQ_SUMS, STATE_KEY, STATE_SUMS } from '../decode/generated/layout.ts';
import { ROLE_NAMES, SOFTIRQ_NAMES, STATE_NAMES } from '../decode/names.ts';
import type { MapImage } from '../model/map-image.ts';
import type { DropDetails } from './drop/details.ts';
import {
  Cells,
  gainedHistogram,
  OVERFLOW_ATTRIBUTES,
  resourceOf,
  RowMemory,
  type CollectContext,
} from './context.ts';

const NS = 1e9;
/** Softirq vectors whose durations are recorded by default: the network's. */
const NETWORK_VECTORS: ReadonlySet<string> = new Set(['net_rx', 'net_tx']);

/** Rows of a kernel map by key, each with what was seen of it. */
class Memories {
  readonly #rows = new Map<string, RowMemory>();
  readonly #cells: number;

  constructor(cells: number) {
    this.#cells = cells;
  }

  of(image: MapImage, row: number): RowMemory {
    const from = row * image.keySize;
    const id = Buffer.from(image.keys.subarray(from, from + image.keySize)).toString('latin1');
    let memory = this.#rows.get(id);
    if (memory === undefined) {
      memory = new RowMemory(this.#cells);
      this.#rows.set(id, memory);
    }
    return memory;
  }

  forget(id: string): void {
    this.#rows.delete(id);
  }
}

/** Dropped packets by reason, on the owner of their socket, else on the host. */
export class DropSums {
  readonly #context: CollectContext;
  readonly #details: DropDetails;
  readonly #memories = new Memories(1);

  constructor(context: CollectContext, details: DropDetails) {
    this.#context = context;
    this.#details = details;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    const view = new DataView(image.keys.buffer, image.keys.byteOffset);
    for (let i = 0; i < image.count; i += 1) {
      const at = i * image.keySize;
      const gained = this.#memories.of(image, i).gain(cells.moveTo(i * image.stride), 0);
      if (gained <= 0 || !this.#context.isOn(METRIC_PACKET_DROPPED)) continue;
      const resource = resourceOf(this.#context, this.#context.ownerAt(view, at + DROP_KEY.owner));
      this.#context.sink.add(METRIC_PACKET_DROPPED, resource, this.#attributes(view, at), gained);
    }
  }

  #attributes(view: DataView, at: number): Attributes {
    if (view.getUint8(at + DROP_KEY.overflow) !== 0) return OVERFLOW_ATTRIBUTES;
    return this.#details.attributes({
      reason: view.getUint32(at + DROP_KEY.reason, true),
      family: view.getUint8(at + DROP_KEY.family),
      state: view.getUint8(at + DROP_KEY.state),
      serverPort: view.getUint16(at + DROP_KEY.server_port, true),
      site: view.getUint32(at + DROP_KEY.site, true),
    });
  }

  forget(id: string): void {
    this.#memories.forget(id);
  }
}

/** Time spent in each TCP state. */
export class StateSums {
  readonly #context: CollectContext;
  readonly #memories = new Memories(STATE_SUMS.size >> 3);

  constructor(context: CollectContext) {
    this.#context = context;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    const view = new DataView(image.keys.buffer, image.keys.byteOffset);
    const buckets = (METRIC_TCP_STATE_DURATION.boundaries?.length ?? 0) + 1;
    for (let i = 0; i < image.count; i += 1) {
      const at = i * image.keySize;
      const memory = this.#memories.of(image, i);
      const row = cells.moveTo(i * image.stride);
      const gained = gainedHistogram(memory, row, { from: STATE_SUMS.duration, buckets, unit: NS });
      const attributes = stateAttributes(view, at);
      if (gained === undefined || attributes === undefined) continue;
      const resource = resourceOf(this.#context, this.#context.ownerAt(view, at + STATE_KEY.owner));
      this.#context.sink.addHistogram(METRIC_TCP_STATE_DURATION, resource, attributes, gained);
    }
  }

  forget(id: string): void {
    this.#memories.forget(id);
  }
}

/** Undefined: no state that has a name. */
function stateAttributes(view: DataView, at: number): Attributes | undefined {
  if (view.getUint8(at + STATE_KEY.overflow) !== 0) return OVERFLOW_ATTRIBUTES;
  const state = STATE_NAMES[view.getUint8(at + STATE_KEY.state)];
  if (state === undefined) return undefined;
  const role = ROLE_NAMES[view.getUint8(at + STATE_KEY.role)];
  const port = view.getUint16(at + STATE_KEY.server_port, true);
  return {
    [ATTR_NETWORK_CONNECTION_STATE]: state,
    ...(role !== undefined && { [ATTR_TCP_HANDSHAKE_ROLE]: role }),
    ...(port !== 0 && { [ATTR_SERVER_PORT]: port }),
  };
}

/** CPU time in softirq handlers. */
export class SoftirqSums {
  readonly #context: CollectContext;
  readonly #memories: RowMemory[] = [];

  constructor(context: CollectContext) {
    this.#context = context;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    const keys = new DataView(image.keys.buffer, image.keys.byteOffset);
    const cpus = image.stride / SOFTIRQ_SUMS.size;
    for (let i = 0; i < image.count; i += 1) {
      const number = keys.getUint32(i * image.keySize, true);
      const vector = SOFTIRQ_NAMES[number];
      if (vector === undefined) continue;
      for (let cpu = 0; cpu < cpus; cpu += 1) {
        cells.moveTo(i * image.stride + cpu * SOFTIRQ_SUMS.size);
        this.#add(
          vector,
          cpu,
          (this.#memories[number * cpus + cpu] ??= new RowMemory(SOFTIRQ_SUMS.size >> 3)),
          cells,
        );
      }
    }
  }

  #add(vector: string, cpu: number, memory: RowMemory, cells: Cells): void {
    const { sink, optIn } = this.#context;
    const host = this.#context.host();
    const attributes = {
      [ATTR_SOFTIRQ_VECTOR]: vector,
      ...(optIn.has(ATTR_CPU_LOGICAL_NUMBER) && { [ATTR_CPU_LOGICAL_NUMBER]: cpu }),
    };
    const spentNs = memory.gain(cells, SOFTIRQ_SUMS.time_ns);
    if (spentNs > 0 && this.#context.isOn(METRIC_SOFTIRQ_TIME))
      sink.add(METRIC_SOFTIRQ_TIME, host, attributes, spentNs / NS);
    for (const [metric, from] of [
      [METRIC_SOFTIRQ_DURATION, SOFTIRQ_SUMS.duration],
      [METRIC_SOFTIRQ_WAIT_DURATION, SOFTIRQ_SUMS.wait],
    ] as const) {
      const buckets = (metric.boundaries?.length ?? 0) + 1;
      const gained = gainedHistogram(memory, cells, { from, buckets, unit: NS });
      if (gained !== undefined && NETWORK_VECTORS.has(vector) && this.#context.isOn(metric))
        sink.addHistogram(metric, host, attributes, gained);
    }
  }
}

/** Sets `system.network.connection.count` from sockets by kernel state number. */
export function setConnectionStates(context: CollectContext, states: readonly number[]): void {
  if (!context.isOn(METRIC_SYSTEM_NETWORK_CONNECTION_COUNT)) return;
  const counts = new Map<string, number>();
  for (const [state, count] of states.entries()) {
    const name = STATE_NAMES[state];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  for (const [name, count] of counts)
    context.sink.set(
      METRIC_SYSTEM_NETWORK_CONNECTION_COUNT,
      context.host(),
      { [ATTR_NETWORK_CONNECTION_STATE]: name, [ATTR_NETWORK_TRANSPORT]: 'tcp' },
      count,
    );
}
