/** What a view makes of records, as the kernel tells them. */
import assert from 'node:assert/strict';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { VIEWS } from '../../../receiver/views/index.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import type { ViewRow, ViewRun, ViewTools } from '../../../receiver/views/view.ts';

/** A request whose trace is known. */
export const CONTEXT = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  traceFlags: 1,
  method: 'http1_header',
  startSeq: 0,
  requestStartNs: 0n,
} as const;
/** A host that answers the same each time. */
export const TOOLS: ViewTools = {
  names: {
    dropReason: () => 'netfilter_drop',
    resetReason: () => undefined,
    functionAt: (address) => (address === 2n ? 'tcp_v4_rcv' : undefined),
  },
  toUnixNs: (ns) => ns,
  maxRemembered: 2,
  isTerminal: false,
  loads: () => [0.5, 1, 2.25],
};

/** What was shown of some records. */
export interface Shown {
  readonly header: string | undefined;
  readonly rows: readonly ViewRow[];
}

/** A view at work, as this command line asks for it. */
export function startView(command: string): ViewRun {
  const [name = '', ...argv] = command.split(' ');
  const view = VIEWS.find((each) => each.name === name);
  assert.ok(view !== undefined, name);
  return view.start(parseViewArguments(name, optionsOf(view), argv, view.words), TOOLS);
}

/** What a view makes of these records, and of its end. */
export function show(command: string, ...records: readonly KernelRecord[]): Shown {
  const run = startView(command);
  const rows = records.map((record) => run.row(record)).filter((row) => row !== undefined);
  return { header: run.header, rows: [...rows, ...(run.end?.() ?? [])] };
}

/** All lines that a person sees. */
export function textOf({ header, rows }: Shown): string[] {
  return [...(header === undefined ? [] : [header]), ...rows.flatMap(({ lines }) => lines)];
}
