import type { Attributes } from '@opentelemetry/api';
import type { MetricDescriptor } from '../../semconv/index.ts';
import type { MetricSink, RareSeries } from '../model/metric-sink.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';

/** What the sums of every family need. */
export interface SumsContext {
  readonly sink: MetricSink;
  isOn(metric: MetricDescriptor): boolean;
  /** Opt-in attributes that metrics carry, e.g. `network.peer.address`. */
  readonly optIn: ReadonlySet<string>;
  /** The address as it may leave; undefined when it may not. */
  mask(address: string): string | undefined;
  /** The configured peer subnets as written, in the order that the kernel numbers them from 1. */
  readonly subnets: readonly string[];
  ownerAt(view: DataView, offset: number): Owner;
  /** Whose a measurement is: the host's without a process. */
  resolve(owner: Owner): ObservedResource;
  host(): ObservedResource;
  /** What a workload has at zero that has such connections, of the metrics that are on; absent: nothing. */
  readonly rare?: (kind: ConnectionKind) => readonly RareSeries[];
}

/** What connections of a workload have in common that are told apart by no address. */
export interface ConnectionKind {
  readonly role: 'client' | 'server';
  /** 4 or 6. */
  readonly family: number;
  /** The attributes of their metrics. */
  readonly attributes: Attributes;
  /** With `network.type`, for the metrics that always have it. */
  readonly withType: Attributes;
}

/** The subnet that has the kernel's number; undefined without configured subnets. */
export function cidrOf({ subnets }: SumsContext, index: number): string | undefined {
  if (subnets.length === 0) return undefined;
  return index === 0 ? 'other' : (subnets[index - 1] ?? 'other');
}

/** The attributes of what found no row of its own in a kernel map. */
export const OVERFLOW_ATTRIBUTES: Attributes = Object.freeze({ 'otel.metric.overflow': true });

const TURN = 4294967296;
/** A difference whose upper word is so large or larger is a step back. */
const HALF_TURN = 2147483648;

/** u64 cells of a row of kernel sums as two words, since a number is exact up to 2^53 only. */
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

  /** The cell at a byte offset within the row; rounded above 2^53. */
  at(byteOffset: number): number {
    return this.high(byteOffset) * TURN + this.low(byteOffset);
  }

  low(byteOffset: number): number {
    return this.#words[this.#base + (byteOffset >> 2)] ?? 0;
  }

  high(byteOffset: number): number {
    return this.#words[this.#base + (byteOffset >> 2) + 1] ?? 0;
  }
}

/** What a row had when it was last read, so that only what it gained goes on. */
export class RowMemory {
  /** Two words a cell, the lower one first. */
  readonly #seen: Uint32Array;
  readonly #first: number;

  /** In memory of its own, or from cell `first` of memory that others share. */
  constructor(cells: number, shared?: { readonly seen: Uint32Array; readonly first: number }) {
    this.#seen = shared?.seen ?? new Uint32Array(2 * cells);
    this.#first = 2 * (shared?.first ?? 0);
  }

  /**
   * What the cell gained since it was last asked for, exactly as long as that is below 2^53. Never negative: of a
   * row that fell, and so began anew, it is all that it holds.
   */
  gain(cells: Cells, byteOffset: number): number {
    const gained = this.gainPast(cells, byteOffset);
    return gained < HALF_TURN * TURN ? gained : cells.at(byteOffset);
  }

  /** The same of a sum that may pass 2^64 and go on from 0: it never begins anew. */
  gainPast(cells: Cells, byteOffset: number): number {
    const word = this.#first + (byteOffset >> 2);
    const low = cells.low(byteOffset);
    const high = cells.high(byteOffset);
    const gainedLow = low - (this.#seen[word] ?? 0);
    const gainedHigh = (high - (this.#seen[word + 1] ?? 0) - Number(gainedLow < 0)) >>> 0;
    this.#seen[word] = low;
    this.#seen[word + 1] = high;
    return gainedHigh * TURN + (gainedLow < 0 ? gainedLow + TURN : gainedLow);
  }

  /** As last read; rounded above 2^53. */
  seen(byteOffset: number): number {
    const word = this.#first + (byteOffset >> 2);
    return (this.#seen[word + 1] ?? 0) * TURN + (this.#seen[word] ?? 0);
  }
}

/**
 * A kernel histogram's gain: buckets from `from`, then the sum in `unit` parts of the
 * metric's unit. A program adds to the bucket first: a sum that was not there yet
 * when its bucket was read waits for the next gain. Nanoseconds may pass 2^64: the sum
 * began anew only when a bucket did.
 */
export function gainedHistogram(
  memory: RowMemory,
  cells: Cells,
  { from, buckets, unit }: { from: number; buckets: number; unit: number },
): { counts: number[]; sum: number } | undefined {
  const counts: number[] = [];
  const sumAt = from + 8 * buckets;
  let total = 0;
  let isAnew = false;
  for (let at = from; at < sumAt; at += 8) {
    isAnew ||= cells.at(at) < memory.seen(at);
    const gained = memory.gain(cells, at);
    counts.push(gained);
    total += gained;
  }
  if (total === 0) return undefined;
  const gained = memory.gainPast(cells, sumAt);
  return { counts, sum: (isAnew ? cells.at(sumAt) : gained) / unit };
}
