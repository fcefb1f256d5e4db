/** The tables of a soak. */
import { format, note, print } from '../report.ts';
import type { MemorySplit } from './memory-split.ts';
import type { Truth } from './rounds.ts';
import { afterFirstQuarter, slope } from './slope.ts';
import { CLOSED, IO, OPENED, type Tally } from './tally.ts';
import type { Heap, Look } from './watch.ts';

const MAPS = ['series', 'owners', 'listeners', 'resets', 'drops', 'drop_sites', 'unowned_drops'] as const;
const COLUMNS = ['min', 'connections', 'processes', 'RSS MB', 'heap MB', 'maps MB', 'files', ...MAPS];

function line(cells: readonly string[]): void {
  print(cells.map((cell, i) => cell.padStart(Math.max(8, (COLUMNS[i] ?? '').length + 2))).join(''));
}

export function printHeader(): void {
  line(COLUMNS);
}

export function printLook(look: Look, { processes }: Truth): void {
  line([
    format(look.seconds / 60, 2),
    format(look.connections, 0),
    format(processes, 0),
    format(look.rssMb, 1),
    format(look.heapMb, 1),
    format(look.kernelMb, 1),
    format(look.descriptors, 0),
    ...MAPS.map((name) => format(look.maps[name] ?? 0, 0)),
  ]);
}

/** What each figure gains with a million connections, after the first quarter of them. */
export function printSlopes(looks: readonly Look[]): void {
  print('\n  growth for each million connections, after the first quarter (least squares)');
  const figures: [string, string, (look: Look) => number][] = [
    ['resident memory', 'MB', ({ rssMb }) => rssMb],
    ['V8 heap in use, at its lowest', 'MB', ({ heapMb }) => heapMb],
    ['memory of kernel maps', 'MB', ({ kernelMb }) => kernelMb],
    ['open descriptors', '', ({ descriptors }) => descriptors],
    ...MAPS.map((name): [string, string, (look: Look) => number] => [
      `entries of map '${name}'`,
      '',
      ({ maps }) => maps[name] ?? 0,
    ]),
  ];
  const millions = (look: Look): number => look.connections / 1e6;
  for (const [label, unit, figure] of figures) {
    const samples = afterFirstQuarter(looks.map((look) => ({ x: millions(look), y: figure(look) })));
    const ends = `from ${format(samples[0]?.y ?? NaN, 1)} to ${format(samples.at(-1)?.y ?? NaN, 1)}`;
    const gain = `${format(slope(samples), 2)} ${unit}`.trimEnd();
    print(`    ${label.padEnd(34)}${gain.padStart(12)}   ${ends}, ${String(samples.length)} looks`);
  }
}

export function printMemory(split: MemorySplit, heap: Heap): void {
  const { program, files, maps, brk, v8Pages, anonymous } = split;
  const v8 = heap.physical / 1e6;
  // Large objects have pages of other sizes: there are more free ones than this where there are large objects.
  const free = Math.max(0, v8Pages - v8);
  print('\n  resident memory at the end, MB');
  const parts: [string, number][] = [
    ["pages of Node's program, which the kernel can take back", program],
    ['pages of other files: libraries, the addon', files],
    ['kernel maps and ring buffer, mapped', maps],
    [`V8 heap (${format(heap.used / 1e6, 1)} in use)`, v8],
    ["V8's pages that are free, and kept for later", free],
    ['malloc: its brk heap', brk],
    ['malloc and others: the rest of anonymous memory', v8Pages + anonymous - v8 - free],
    ['all', program + files + maps + brk + v8Pages + anonymous],
  ];
  for (const [label, mb] of parts) print(`    ${label.padEnd(60)}${format(mb, 1).padStart(8)}`);
}

/** Prints truth beside what was exported; the metrics that differ. */
export function printExactness(truth: Truth, tally: Tally): string[] {
  const { established, failed, bytes, sampled, processes } = truth;
  const expected: [string, number][] = [
    [OPENED, 2 * established + failed],
    [CLOSED, 2 * established],
    [IO, 2 * bytes],
  ];
  print('\n  what the load did, and what was exported');
  note(
    `  ${format(established, 0)} connections, ${format(failed, 0)} attempts that failed, ` +
      `${format(processes, 0)} processes, ${format(sampled, 0)} sampled requests`,
  );
  for (const [name, should] of expected) {
    const is = tally.totals[name] ?? 0;
    const verdict = is === should ? 'exact' : `off by ${format(is - should, 0)}`;
    print(
      `    ${name.padEnd(34)}${format(should, 0).padStart(16)}${format(is, 0).padStart(16)}   ${verdict}`,
    );
  }
  printArrived(tally);
  return expected.filter(([name, should]) => tally.totals[name] !== should).map(([name]) => name);
}

function printArrived({ spans, links, exemplars, logs, requests, bytes, lost }: Tally): void {
  const counts = Object.entries({ spans, links, exemplars, events: logs, requests });
  note(
    `  also exported: ${counts.map(([name, count]) => `${format(count, 0)} ${name}`).join(', ')}, ` +
      `${format(bytes / 1e6, 1)} MB in all`,
  );
  const losses = Object.entries(lost).filter(([, count]) => count > 0);
  note(
    `  counted as lost: ${losses.map(([what, count]) => `${format(count, 0)} ${what}`).join(', ') || 'nothing'}`,
  );
}
