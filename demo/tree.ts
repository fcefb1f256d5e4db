/** A trace as a tree of lines, with the time of each span as a bar. */
import { styleText } from 'node:util';
import type { StoredSpan } from '../test/backends/jaeger-traces.ts';

export interface TreeOptions {
  /** Columns of the terminal. */
  readonly columns: number;
  /** Spans of the network stand out. */
  readonly hasColour: boolean;
}

interface Line {
  readonly span: StoredSpan;
  /** The name behind the lines of the tree. */
  readonly label: string;
  /** Seconds, of a line that says on what a part of the span's time was spent. */
  readonly spent?: number;
}

/** What is on a line. */
interface Row {
  readonly label: string;
  readonly service: string;
  readonly at: string;
  readonly took: string;
  readonly bar: string;
  readonly isNetwork: boolean;
}

const NETWORK = /^tcp /;
const [NUMBER_WIDTH, MOST_BAR, LEAST_BAR] = [8, 40, 10];

/** Roots first; children in the order in which they began. A span whose parent is not there counts as a root. */
export function renderTree(spans: readonly StoredSpan[], { columns, hasColour }: TreeOptions): string {
  const lines = linesOf(spans);
  const startUs = Math.min(...spans.map((span) => span.startUs));
  const lengthUs = Math.max(...spans.map((span) => span.endUs)) - startUs;
  const widthOf = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.length));
  const labelWidth = widthOf(lines.map(({ label }) => label));
  const serviceWidth = widthOf(['service', ...lines.map(({ span }) => span.service)]);
  const left = columns - labelWidth - serviceWidth - 2 * NUMBER_WIDTH - 4;
  const width = left < LEAST_BAR ? 0 : Math.min(left, MOST_BAR);
  const rows = lines.map(({ span, label, spent }): Row => {
    if (spent !== undefined)
      return { label, service: '', at: '', took: inMs(spent * 1e6), bar: '', isNetwork: true };
    const bar = barOf(span, { startUs, lengthUs, width });
    const [at, took] = [inMs(span.startUs - startUs), inMs(span.endUs - span.startUs)];
    return { label, service: span.service, at, took, bar, isNetwork: NETWORK.test(span.name) };
  });
  const head = { label: '', service: 'service', at: 'at ms', took: 'took ms', bar: '', isNetwork: false };
  return [head, ...rows]
    .map(({ label, service, at, took, bar, isNetwork }) => {
      const names = `${label.padEnd(labelWidth)}  ${service.padEnd(serviceWidth)}`;
      const line = `${names}${at.padStart(NUMBER_WIDTH)}${took.padStart(NUMBER_WIDTH)}  ${bar}`.trimEnd();
      return hasColour && isNetwork ? styleText('yellow', line, { validateStream: false }) : line;
    })
    .join('\n');
}

const inMs = (us: number): string => (us / 1_000).toFixed(1);

function linesOf(spans: readonly StoredSpan[]): Line[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const lines: Line[] = [];
  const inOrder = (some: readonly StoredSpan[]): StoredSpan[] =>
    [...some].sort((a, b) => a.startUs - b.startUs);
  const addChildren = (parent: StoredSpan, indent: string): void => {
    const children = inOrder(spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId));
    for (const [index, span] of children.entries()) {
      const isLast = index === children.length - 1;
      lines.push({ span, label: `${indent}${isLast ? '└' : '├'} ${nameOf(span)}` });
      const below = `${indent}${isLast ? ' ' : '│'} `;
      for (const [phase, spent] of phasesOf(span)) lines.push({ span, label: `${below}  ${phase}`, spent });
      addChildren(span, below);
    }
  };
  for (const span of inOrder(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)))) {
    lines.push({ span, label: nameOf(span) });
    addChildren(span, '');
  }
  return lines;
}

const PHASE = 'wirespan.tcp.exchange.phase.';
const LEAST_SHOWN = 0.000_05;

/** What the time of an exchange was spent on, the most first; not what would be no tenth of a millisecond. */
function phasesOf({ tags }: StoredSpan): [phase: string, seconds: number][] {
  const phases = Object.entries(tags).filter(([name]) => name.startsWith(PHASE));
  return phases
    .filter(([, seconds]) => Number(seconds) >= LEAST_SHOWN)
    .map(([name, value]): [string, number] => [name.slice(PHASE.length).replaceAll('_', ' '), Number(value)])
    .sort(([, a], [, b]) => b - a);
}

/** What matters of a network span is in its attributes. */
function nameOf({ name, tags }: StoredSpan): string {
  const type = tags['wirespan.tcp.retransmit.type'];
  if (type === undefined) return name;
  const count = Number(tags['wirespan.tcp.retransmit.segments']);
  return `${name}: ${count} ${count === 1 ? 'segment' : 'segments'}, ${String(type).replaceAll('_', ' ')}`;
}

/** Where the span lies in the whole; the shortest one is seen too. */
function barOf(
  { name, ...span }: StoredSpan,
  { startUs, lengthUs, width }: { startUs: number; lengthUs: number; width: number },
): string {
  if (width === 0) return '';
  const columnOf = (us: number): number => Math.round(((us - startUs) / Math.max(lengthUs, 1)) * width);
  const from = Math.min(columnOf(span.startUs), width - 1);
  const columns = columnOf(span.endUs) - from;
  const mark = NETWORK.test(name) ? '▒' : '█';
  return ' '.repeat(from) + (columns > 0 ? mark.repeat(columns) : '▏');
}
