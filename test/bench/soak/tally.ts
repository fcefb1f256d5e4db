/** Sums of OTLP requests, kept so that memory grows with series alone: what a soak compares with its own truth. */
import { createHash } from 'node:crypto';
import { find, walk } from './wire.ts';

/** What arrived so far. */
export interface Tally {
  /** Final cumulative values over all series and their beginnings, by metric. */
  readonly totals: Readonly<Record<string, number>>;
  /** `wirespan.agent.map.usage` of the last export, by map. */
  readonly maps: Readonly<Record<string, number>>;
  /** `wirespan.agent.event.lost`, by program and reason. */
  readonly lost: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly bytes: number;
  readonly exemplars: number;
  readonly spans: number;
  readonly links: number;
  readonly logs: number;
}

export const OPENED = 'wirespan.tcp.connection.opened';
export const CLOSED = 'wirespan.tcp.connection.closed';
export const IO = 'wirespan.tcp.io';
const SUMMED: ReadonlySet<string> = new Set([OPENED, CLOSED, IO]);
const USAGE = 'wirespan.agent.map.usage';
const LOST = 'wirespan.agent.event.lost';
/** Characters of a hash in base 64, 96 bits: no series of a million meets another. */
const KEY_LENGTH = 16;

/** Adds up what each request says. Cumulative points replace those before them, so a request sent twice counts once. */
export class OtlpTally {
  readonly #series = new Map<string, Map<string, number>>();
  readonly #maps: Record<string, number> = {};
  readonly #lost: Record<string, number> = {};
  readonly #counts = { requests: 0, bytes: 0, exemplars: 0, spans: 0, links: 0, logs: 0 };

  add(signal: 'metrics' | 'traces' | 'logs', request: Buffer): void {
    this.#counts.requests += 1;
    this.#counts.bytes += request.length;
    walk(request, (field, perResource) => {
      if (field !== 1) return;
      const resource = find(perResource, 1);
      walk(perResource, (inner, perScope) => {
        if (inner !== 2) return;
        walk(perScope, (item, bytes) => {
          if (item === 2) this.#addItem(signal, resource, bytes);
        });
      });
    });
  }

  read(): Tally {
    const totals: Record<string, number> = {};
    for (const [name, series] of this.#series)
      totals[name] = [...series.values()].reduce((sum, value) => sum + value, 0);
    return { totals, maps: { ...this.#maps }, lost: { ...this.#lost }, ...this.#counts };
  }

  #addItem(signal: 'metrics' | 'traces' | 'logs', resource: Buffer, item: Buffer): void {
    if (signal === 'logs') this.#counts.logs += 1;
    else if (signal === 'metrics') this.#addMetric(resource, item);
    else {
      this.#counts.spans += 1;
      walk(item, (field) => (this.#counts.links += field === 13 ? 1 : 0));
    }
  }

  #addMetric(resource: Buffer, metric: Buffer): void {
    const name = find(metric, 1).toString();
    const sum = find(metric, 7);
    walk(find(metric, 9), (field, point) => {
      if (field === 1) walk(point, (inner) => (this.#counts.exemplars += inner === 8 ? 1 : 0));
    });
    walk(sum, (field, point) => {
      if (field !== 1) return;
      const { attributes, start, value, exemplars } = readPoint(point);
      this.#counts.exemplars += exemplars;
      if (name === USAGE) this.#maps[textOf(attributes)] = value;
      else if (name === LOST) this.#lost[textOf(attributes)] = value;
      else if (SUMMED.has(name)) this.#seriesOf(name).set(keyOf(resource, attributes, start), value);
    });
  }

  #seriesOf(name: string): Map<string, number> {
    const series = this.#series.get(name) ?? new Map<string, number>();
    this.#series.set(name, series);
    return series;
  }
}

interface Point {
  readonly attributes: readonly Buffer[];
  readonly start: Buffer;
  readonly value: number;
  readonly exemplars: number;
}

function readPoint(point: Buffer): Point {
  const attributes: Buffer[] = [];
  let start = point.subarray(0, 0);
  let value = 0;
  let exemplars = 0;
  walk(point, (field, bytes) => {
    if (field === 7) attributes.push(bytes);
    else if (field === 2) start = bytes;
    else if (field === 4) value = bytes.readDoubleLE();
    else if (field === 6) value = Number(bytes.readBigInt64LE());
    else if (field === 5) exemplars += 1;
  });
  return { attributes, start, value, exemplars };
}

/** The texts of all attributes, in the order of their names. */
function textOf(attributes: readonly Buffer[]): string {
  return attributes
    .map((pair) => [find(pair, 1).toString(), find(find(pair, 2), 1).toString()] as const)
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([, text]) => text)
    .join(' ');
}

function keyOf(resource: Buffer, attributes: readonly Buffer[], start: Buffer): string {
  const hash = createHash('sha1').update(resource).update('|');
  for (const text of attributes.map((pair) => pair.toString('latin1')).sort()) hash.update(text, 'latin1');
  return hash.update(start).digest('base64').slice(0, KEY_LENGTH);
}
