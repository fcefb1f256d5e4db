import { CACHE_CHURNS } from './cache-churns.ts';
import type { Churn } from './churn.ts';
import { MACHINE_CHURNS } from './machine-churns.ts';
import { ROW_CHURNS } from './row-churns.ts';
import { SERIES_CHURNS } from './series-churns.ts';

const GROUPS: Readonly<Record<string, readonly Churn[]>> = {
  caches: CACHE_CHURNS,
  machine: MACHINE_CHURNS,
  rows: ROW_CHURNS,
  series: SERIES_CHURNS,
};
/** Every structure reaches its bound in as many. */
const WARM_UP = 100_000;
/** More by hand: docs/testing.md. */
const OPERATIONS = Number(process.env['WIRESPAN_TEST_OPERATIONS'] ?? 200_000);

// A process that is gone is an error of the file system, and most of its time goes into its trace.
Error.stackTraceLimit = 0;

/** Run with --expose-gc and the name of a group: for each churn of it a line with its name and the bytes that the operations left behind. */
const collectGarbage = globalThis.gc;
if (collectGarbage === undefined) throw new Error('run with --expose-gc');

/** In use after a full collection, outside of the heap too. */
function heapBytes(): number {
  for (let i = 0; i < 2; i += 1) collectGarbage?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function growthOf({ start }: Churn): number {
  const churn = start();
  churn(0, WARM_UP);
  const before = heapBytes();
  churn(WARM_UP, WARM_UP + OPERATIONS);
  const growth = heapBytes() - before;
  // Alive until here: what is measured must not be collected before.
  churn(0, 0);
  return growth;
}

for (const churn of GROUPS[process.argv[2] ?? ''] ?? [])
  console.log(JSON.stringify({ name: churn.name, growth: growthOf(churn) }));
