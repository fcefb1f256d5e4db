/** How exchanges divided, against the readings of a clock before and after what was done. */
import assert from 'node:assert/strict';
import type { ExchangePhases } from '../../../receiver/model/exchange-phases.ts';
import type { ExchangeRecord } from '../../../receiver/model/record.ts';
import { beginOf, divisionOf, endOf } from '../../../receiver/signals/exchange/division.ts';
import type { Division, Phase } from '../../../receiver/signals/exchange/phases.ts';
import type { Span } from './asker.ts';

interface Told extends ExchangeRecord {
  readonly phases: ExchangePhases;
}

export interface Divided {
  readonly told: Told;
  readonly division: Division;
  readonly lengthNs: bigint;
}

/** The last that was told of an exchange, how it divides, and how long it was. */
export function dividedOf(records: readonly ExchangeRecord[]): Divided {
  const told = records.at(-1) as Told;
  const division = divisionOf(told, told.timeNs);
  assert.ok(division, 'phases were followed');
  return { told, division, lengthNs: endOf(told, told.timeNs) - beginOf(told) };
}

/** From one moment to another, each known to lie between two readings of the clock: at least and at most. */
export function between([from, until]: Span, [laterFrom, laterUntil]: Span): Span {
  return [laterFrom - until, laterUntil - from];
}

/** Its phases are disjoint parts of all its time, and these are as long as the workload's clock says. */
export function assertDivides(
  { division, lengthNs }: Divided,
  expected: Readonly<Partial<Record<Phase, Span>>>,
): void {
  const all = JSON.stringify([...division].map(([phase, ns]) => [phase, Number(ns) / 1e6]));
  let sum = 0n;
  for (const ns of division.values()) {
    assert.ok(ns > 0n, all);
    sum += ns;
  }
  assert.equal(sum, lengthNs, all);
  for (const [phase, [least, most]] of Object.entries(expected)) {
    const ns = division.get(phase as Phase) ?? 0n;
    assert.ok(ns >= least && ns <= most, `${phase} is not from ${least} to ${most}: ${all}`);
  }
}

export const sumOf = (...spans: readonly Span[]): Span =>
  spans.reduce(([least, most], [moreLeast, moreMost]) => [least + moreLeast, most + moreMost], [0n, 0n]);

export const NONE: Span = [0n, 0n];
