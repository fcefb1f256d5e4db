import {
  ATTR_CPU_LOGICAL_NUMBER,
  ATTR_SOFTIRQ_VECTOR,
  METRIC_SOFTIRQ_DURATION,
  METRIC_SOFTIRQ_TIME,
  METRIC_SOFTIRQ_WAIT_DURATION,
} from '../../../semconv/index.ts';
import { SOFTIRQ_SUMS } from '../../decode/generated/layout.ts';
import { SOFTIRQ_NAMES } from '../../decode/names.ts';
import { rowsOf, type MapImage } from '../../model/map-image.ts';
import { Cells, gainedHistogram, RowMemory, type SumsContext } from '../context.ts';

const NS = 1e9;
/** Softirq vectors whose durations are recorded by default: the network's. */
const NETWORK_VECTORS: ReadonlySet<string> = new Set(['net_rx', 'net_tx']);

/** CPU time in softirq handlers. */
export class SoftirqSums {
  readonly #context: SumsContext;
  readonly #memories: RowMemory[] = [];

  constructor(context: SumsContext) {
    this.#context = context;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    const cpus = image.stride / SOFTIRQ_SUMS.size;
    for (const row of rowsOf(image)) {
      const number = row.keys.getUint32(row.keyAt, true);
      const vector = SOFTIRQ_NAMES[number];
      if (vector === undefined) continue;
      for (let cpu = 0; cpu < cpus; cpu += 1) {
        cells.moveTo(row.valueAt + cpu * SOFTIRQ_SUMS.size);
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
