import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import { attributeKey } from '../aggregate/attribute-key.ts';

/** One stat: a value and what it is about. */
export type Stat = readonly [value: number, attributes?: Attributes];

/** What tells the stats of a metric; absent: nobody does. */
export type Read = (() => Iterable<Stat>) | undefined;

/** The part of a metric descriptor that an instrument needs. */
export interface InstrumentDefinition {
  readonly name: string;
  readonly instrument: 'counter' | 'updowncounter' | 'histogram' | 'gauge';
  readonly unit: string;
  readonly description: string;
  readonly valueType: 'int' | 'double';
}

/**
 * Creates the observable instrument of `definition`, which asks `read` at each collection. Stats
 * with the same attributes are summed: the SDK would keep only the last. A `read` that throws
 * leaves its metric out of this collection.
 */
export function observe(meter: Meter, definition: InstrumentDefinition, read: () => Iterable<Stat>): void {
  const { name, unit, description } = definition;
  const options = {
    unit,
    description,
    valueType: definition.valueType === 'int' ? ValueType.INT : ValueType.DOUBLE,
  };
  createInstrument(meter, definition.instrument, name, options).addCallback((result) =>
    report(result, read()),
  );
}

function createInstrument(
  meter: Meter,
  instrument: InstrumentDefinition['instrument'],
  ...[name, options]: Parameters<Meter['createObservableGauge']>
): ReturnType<Meter['createObservableGauge']> {
  if (instrument === 'counter') return meter.createObservableCounter(name, options);
  if (instrument === 'updowncounter') return meter.createObservableUpDownCounter(name, options);
  return meter.createObservableGauge(name, options);
}

function report(result: ObservableResult, stats: Iterable<Stat>): void {
  const sums = new Map<string, [number, Attributes]>();
  for (const [value, attributes = {}] of stats) {
    const key = attributeKey(attributes);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, [value, attributes]);
    else sum[0] += value;
  }
  for (const [value, attributes] of sums.values()) result.observe(value, attributes);
}
