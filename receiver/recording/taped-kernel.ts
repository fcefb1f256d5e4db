import {
  DROP_RECORD,
  DROP_RECORD_LENGTH,
  RECORD_HEADER,
  RECORD_KIND,
  RESET_RECORD,
} from '../decode/generated/layout.ts';
import type { MapImage } from '../model/map-image.ts';
import type { KernelNames } from '../model/record.ts';
import type { Kernel } from '../source/kernel.ts';
import { hexOf } from './recorder.ts';
import type { Tape } from './tape.ts';

/** A kernel behind a tape: `live` is absent where what was recorded answers. */
export class TapedKernel implements Kernel {
  readonly names: KernelNames;
  readonly #tape: Tape;
  readonly #live: Kernel | undefined;

  constructor(tape: Tape, live?: Kernel) {
    this.#tape = tape;
    this.#live = live;
    this.names = tapedNames(tape, live?.names);
  }

  get countsNamespaces(): boolean {
    return this.#tape.ask('counts namespaces', () => this.#live?.countsNamespaces) ?? false;
  }

  get hasUnowned(): boolean {
    return this.#tape.ask('has unowned', () => this.#live?.hasUnowned) ?? false;
  }

  drain(handle: (bytes: Uint8Array) => void): number {
    return this.#tape.drain(
      (each) => this.#live?.drain(each) ?? 0,
      (bytes) => {
        if (this.#live !== undefined) nameNumbers(bytes, this.names);
        handle(bytes);
      },
    );
  }

  pass(nowNs: bigint): number {
    return this.#tape.ask('pass', () => this.#live?.pass(nowNs)) ?? 0;
  }

  passForUnowned(nowNs: bigint): { readonly pass: number; readonly bank: number } {
    return (
      this.#tape.ask('pass for unowned', () => this.#live?.passForUnowned(nowNs)) ?? { pass: 0, bank: 0 }
    );
  }

  countStates(): readonly number[] {
    return this.#tape.ask('states', () => this.#live?.countStates()) ?? [];
  }

  read(map: string): MapImage {
    return this.#tape.rows(map, () => this.#live?.read(map) ?? NO_ROWS);
  }

  lookup(map: string, key: Uint8Array, value: Uint8Array): boolean {
    const found = this.#tape.row({ map, key }, () =>
      this.#live?.lookup(map, key, value) ? value : undefined,
    );
    if (found !== undefined && found !== value) value.set(found.subarray(0, value.length));
    return found !== undefined;
  }

  takeRow(map: string, key: Uint8Array, seen: Uint8Array): boolean {
    const shown = hexOf(this.#tape.shownKey({ map, key }));
    return this.#tape.ask(`take ${map} ${shown}`, () => this.#live?.takeRow(map, key, seen)) ?? false;
  }

  update(map: string, key: Uint8Array, value: Uint8Array): void {
    this.#live?.update(map, key, value);
  }

  readThreads(): void {
    this.#live?.readThreads();
  }

  delete(map: string, key: Uint8Array): void {
    this.#live?.delete(map, key);
  }

  setFilter(filter: Parameters<Kernel['setFilter']>[0]): void {
    this.#live?.setFilter(filter);
  }
}

/** Asks for the words for all numbers that these records have: who replays may ask for any. */
export function nameNumbers(bytes: Uint8Array, names: KernelNames): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + RECORD_HEADER.size <= view.byteLength;) {
    const kind = view.getUint32(at + RECORD_HEADER.kind, true);
    if (kind === RECORD_KIND.RECORD_RESET) names.resetReason(view.getUint8(at + RESET_RECORD.reason));
    if (kind === RECORD_KIND.RECORD_DROP) nameDrop(view, at, names);
    const size = view.getUint32(at + RECORD_HEADER.bytes, true);
    if (size < RECORD_HEADER.size) return;
    at += (size + 7) & ~7;
  }
}

function nameDrop(view: DataView, at: number, names: KernelNames): void {
  names.dropReason(view.getUint32(at + DROP_RECORD.reason, true));
  names.functionAt(view.getBigUint64(at + DROP_RECORD.location, true));
  for (let i = 0; i < DROP_RECORD_LENGTH.stack; i += 1) {
    const address = view.getBigUint64(at + DROP_RECORD.stack + 8 * i, true);
    if (address !== 0n) names.functionAt(address);
  }
}

/** The kernel's words, by way of a tape; without `live` those that it has. */
export function tapedNames(tape: Tape, live?: KernelNames): KernelNames {
  return {
    dropReason: (reason) =>
      tape.ask<string>(`drop reason ${String(reason)}`, () => live?.dropReason(reason)) ??
      `unknown_${String(reason)}`,
    resetReason: (reason) =>
      tape.ask<string>(`reset reason ${String(reason)}`, () => live?.resetReason(reason)),
    functionAt: (address) =>
      tape.ask<string>(`function ${address.toString(16)}`, () => live?.functionAt(address)),
  };
}

const NO_ROWS: MapImage = {
  count: 0,
  keys: new Uint8Array(0),
  values: new Uint8Array(0),
  keySize: 8,
  stride: 8,
};
