/**
 * Between the layouts of a recording and those of this build. Contracts only grow: a struct at its end, an enum by new
 * numbers. What was recorded before is given zeros where it is shorter; anything else cannot be read here.
 */
import * as layout from '../decode/generated/layout.ts';
import { RECORD_HEADER } from '../decode/generated/layout.ts';
import { plainKind } from './for-views.ts';
import type { Layouts } from './meta.ts';
import type { RowChanges } from './rows.ts';

/** Every struct and enum of bpf/contract/, as this build has them. */
export const LAYOUTS: Layouts = { ...layout };

/** What is in the rows of each map. */
const VALUES: Readonly<Record<string, string>> = {
  owners: 'OWNER_INFO',
  series: 'SERIES',
  receives: 'RECEIVE_SUMS',
  listeners: 'LISTENER',
  listen_namespaces: 'LISTEN_NAMESPACE',
  listen_ends: 'LISTEN_END',
  state_durations: 'STATE_SUMS',
  softirqs: 'SOFTIRQ_SUMS',
  wakeups: 'WAKEUP_SUMS',
  drop_sites: 'DROP_SITE',
  unowned_drops: 'UNOWNED_DROP',
};

/** Which of them is otherwise here, so that the recording cannot be read; undefined: none. */
export function unreadableLayout(recorded: Layouts, here: Layouts = LAYOUTS): string | undefined {
  return Object.keys(recorded).find((name) => !isGrown(recorded[name] ?? {}, here[name] ?? {}));
}

type Numbers = Layouts[string];

function isGrown(recorded: Numbers, here: Numbers): boolean {
  const { size } = recorded;
  const highest = Object.values(recorded).reduce((most, number) => Math.max(most, number), 0);
  return Object.entries(recorded).every(([name, number]) => {
    const now = here[name];
    if (now === undefined) return false;
    // The highest number of an enum may be how many there are.
    const mayGrow = name === 'size' || (size === undefined && number === highest);
    return mayGrow ? now >= number : now === number;
  });
}

/** Gives what was recorded the lengths that it has here. */
export class Growth {
  /** Bytes of records by kind, of those that are longer here. */
  readonly #records = new Map<number, number>();
  /** Bytes of values by map, then and here. */
  readonly #values = new Map<string, { readonly then: number; readonly now: number }>();

  constructor(recorded: Layouts, here: Layouts = LAYOUTS) {
    const sizes = (name: string): [number, number] => [
      recorded[name]?.['size'] ?? 0,
      here[name]?.['size'] ?? 0,
    ];
    for (const [name, kind] of Object.entries(recorded['RECORD_KIND'] ?? {})) {
      const [then, now] = sizes(`${name.replace(/^RECORD_/, '')}_RECORD`);
      if (now > then) this.#records.set(kind, now);
    }
    for (const [map, name] of Object.entries(VALUES)) {
      const [then, now] = sizes(name);
      if (now > then && then > 0) this.#values.set(map, { then, now });
    }
  }

  /** Records that lie back to back, each from a multiple of eight on. */
  records(bytes: Uint8Array): Uint8Array {
    if (this.#records.size === 0) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const parts: Uint8Array[] = [];
    for (let at = 0; at + RECORD_HEADER.size <= bytes.length;) {
      const size = view.getUint32(at + RECORD_HEADER.bytes, true);
      if (size < RECORD_HEADER.size || at + size > bytes.length)
        return Buffer.concat([...parts, bytes.subarray(at)]);
      const wanted = Math.max(
        size,
        this.#records.get(plainKind(view.getUint32(at + RECORD_HEADER.kind, true))) ?? 0,
      );
      const record = Buffer.alloc(Math.ceil(wanted / 8) * 8);
      record.set(bytes.subarray(at, at + size));
      record.writeUInt32LE(wanted, RECORD_HEADER.bytes);
      parts.push(record);
      at += Math.ceil(size / 8) * 8;
    }
    return Buffer.concat(parts);
  }

  /** A value is there once, or once for each CPU. */
  rows(changes: RowChanges): RowChanges {
    const grown = this.#values.get(changes.map);
    if (grown === undefined || changes.stride % grown.then !== 0) return changes;
    const { then, now } = grown;
    const stride = (changes.stride / then) * now;
    const changed = changes.changed.map(({ key, value }) => {
      const longer = new Uint8Array(stride);
      for (let from = 0, to = 0; from < value.length; from += then, to += now)
        longer.set(value.subarray(from, from + then), to);
      return { key, value: longer };
    });
    return { ...changes, stride, changed };
  }
}
