import { readAddress } from '../../decode/bytes.ts';
import { SAMPLE_KEY, SAMPLES, SAMPLES_LENGTH } from '../../decode/generated/layout.ts';
import { SOFTIRQ_NAMES } from '../../decode/names.ts';
import { rowsOf, type MapImage, type MapRow } from '../../model/map-image.ts';
import type { SampleHistogram, SamplesWanted } from '../../model/samples.ts';
import { Cells, RowMemory } from '../context.ts';

/** What the kernel's histograms gained since they were read last; as many are remembered as its map has. */
export class SampleGains {
  readonly #wanted: SamplesWanted;
  readonly #memories = new Map<string, RowMemory>();

  constructor(wanted: SamplesWanted) {
    this.#wanted = wanted;
  }

  /** Those of the map `samples` that gained something. */
  take(image: MapImage): readonly SampleHistogram[] {
    const cells = new Cells(image.values);
    const found: SampleHistogram[] = [];
    for (const row of rowsOf(image)) {
      cells.moveTo(row.valueAt);
      const { id } = row;
      const memory = this.#memories.get(id) ?? new RowMemory(SAMPLES.size >> 3);
      this.#memories.set(id, memory);
      const slots = Array.from({ length: SAMPLES_LENGTH.slots }, (_, i) =>
        memory.gain(cells, SAMPLES.slots + 8 * i),
      );
      if (slots.every((count) => count === 0)) continue;
      found.push({ ...this.#keyOf(row), slots, sum: memory.gain(cells, SAMPLES.sum) });
    }
    return found;
  }

  #keyOf({ keys, keyAt }: MapRow): Omit<SampleHistogram, 'slots' | 'sum'> {
    const { of, by } = this.#wanted;
    const number = keys.getUint32(keyAt + SAMPLE_KEY.number, true);
    const family = keys.getUint8(keyAt + SAMPLE_KEY.family);
    const address = (at: number): string => readAddress(keys, keyAt + at, family === 6 ? 6 : 4);
    return {
      family,
      localAddress: by.includes('local') ? address(SAMPLE_KEY.local) : undefined,
      remoteAddress: by.includes('remote') ? address(SAMPLE_KEY.remote) : undefined,
      number,
      vector: of === 'softirq' ? SOFTIRQ_NAMES[number] : undefined,
      cpu: keys.getUint16(keyAt + SAMPLE_KEY.cpu, true),
    };
  }
}
