import type { Attributes } from '@opentelemetry/api';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { MetricSink, ObservedResource, Owner } from '../model.ts';

/** What every collector of kernel sums needs. */
export interface CollectContext {
  readonly sink: MetricSink;
  isOn(metric: MetricDescriptor): boolean;
  /** Opt-in attributes that metrics carry, e.g. `network.peer.address`. */
  readonly optIn: ReadonlySet<string>;
  /** The address as it may leave; undefined when it may not. */
  mask(address: string): string | undefined;
  /** The configured peer subnets as written, in the order that the kernel numbers them from 1. */
  readonly subnets: readonly string[];
  ownerAt(view: DataView, offset: number): Owner;
  resolve(owner: Owner): ObservedResource;
  host(): ObservedResource;
}

/** Of the kernel's number; undefined without configured subnets. */
export function cidrOf({ subnets }: CollectContext, index: number): string | undefined {
  if (subnets.length === 0) return undefined;
  return index === 0 ? 'other' : (subnets[index - 1] ?? 'other');
}

/** The attributes of a series that a full kernel map folded into one. */
export const OVERFLOW_ATTRIBUTES: Attributes = { 'otel.metric.overflow': true };

/** u64 cells of a row of kernel sums as numbers: exact up to 2^53. */
export class Cells {
  readonly #words: Uint32Array;
  #base = 0;

  constructor(values: Uint8Array) {
    this.#words = new Uint32Array(values.buffer, values.byteOffset, values.byteLength >> 2);
  }

  /** Looks at the row that begins at `byteOffset`. */
  moveTo(byteOffset: number): this {
    this.#base = byteOffset >> 2;
    return this;
  }

  /** The cell at a byte offset within the row. */
  at(byteOffset: number): number {
    const word = this.#base + (byteOffset >> 2);
    return (this.#words[word + 1] ?? 0) * 4294967296 + (this.#words[word] ?? 0);
  }
}

/** What a row had when it was last read, so that only what it gained goes on. */
export class RowMemory {
  readonly #seen: Float64Array;
  readonly #first: number;

  /** In memory of its own, or from cell `first` of memory that others share. */
  constructor(cells: number, shared?: { readonly seen: Float64Array; readonly first: number }) {
    this.#seen = shared?.seen ?? new Float64Array(cells);
    this.#first = shared?.first ?? 0;
  }

  /** What the cell gained since it was last asked for. */
  gain(cells: Cells, byteOffset: number): number {
    const now = cells.at(byteOffset);
    const index = this.#first + (byteOffset >> 3);
    const gained = now - (this.#seen[index] ?? 0);
    this.#seen[index] = now;
    return gained;
  }

  /** As last read. */
  seen(byteOffset: number): number {
    return this.#seen[this.#first + (byteOffset >> 3)] ?? 0;
  }
}

/**
 * A kernel histogram's gain: buckets from `from`, then the sum in `unit` parts of the
 * metric's unit. A program adds to the bucket first: a sum that was not there yet
 * when its bucket was read waits for the next gain.
 */
export function gainedHistogram(
  memory: RowMemory,
  cells: Cells,
  { from, buckets, unit }: { from: number; buckets: number; unit: number },
): { counts: number[]; sum: number } | undefined {
  const counts: number[] = [];
  let total = 0;
  for (let i = 0; i < buckets; i += 1) {
    const gained = memory.gain(cells, from + 8 * i);
    counts.push(gained);
    total += gained;
  }
  return total === 0 ? undefined : { counts, sum: memory.gain(cells, from + 8 * buckets) / unit };
}
