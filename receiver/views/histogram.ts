import type { SampleHistogram } from '../model/samples.ts';

/** The columns of the longest bar. */
const BAR = 40;

/** What slot i holds: whole numbers, both ends included. */
function rangeOf(slot: number): readonly [from: number, to: number] {
  return [slot === 0 ? 0 : 2 ** slot, 2 ** (slot + 1) - 1];
}

export function countOf(slots: readonly number[]): number {
  return slots.reduce((sum, count) => sum + count, 0);
}

/** Several histograms in one, slot by slot. At least one is given. */
export function joinHistograms(
  histograms: readonly SampleHistogram[],
): Pick<SampleHistogram, 'slots' | 'sum'> {
  const slots = histograms[0]?.slots.map((_, i) =>
    histograms.reduce((sum, each) => sum + (each.slots[i] ?? 0), 0),
  );
  return { slots: slots ?? [], sum: histograms.reduce((sum, each) => sum + each.sum, 0) };
}

/** The slots up to the last that holds something, as BCC's tools print them: each range, its count, and a bar. */
export function histogramLines(slots: readonly number[], label: string): string[] {
  const last = slots.findLastIndex((count) => count > 0);
  const most = slots.reduce((max, count) => Math.max(max, count), 0);
  return [
    `     ${label.padEnd(19)} : count    distribution`,
    ...slots.slice(0, last + 1).map((count, i) => {
      const [from, to] = rangeOf(i);
      const bar = '*'.repeat(Math.floor((count * BAR) / most)).padEnd(BAR);
      return `${String(from).padStart(10)} -> ${String(to).padEnd(10)} : ${String(count).padEnd(8)} |${bar}|`;
    }),
  ];
}

/** The slots that hold something, for `--json`. */
export function slotsJson(slots: readonly number[]): readonly Readonly<Record<string, number>>[] {
  return slots.flatMap((count, i) => {
    const [from, to] = rangeOf(i);
    return count === 0 ? [] : [{ from, to, count }];
  });
}

/** Whether `-4` and `-6` leave a family in. */
export function isFamilyShown(args: { has(long: string): boolean }, family: number): boolean {
  return !(args.has('ipv4') || args.has('ipv6')) || args.has(`ipv${String(family)}`);
}
