import type { Outputs } from '../cli/outputs.ts';
import type { DecodeCounters } from '../decode/batch.ts';
import type { OwnerTable } from '../decode/owners.ts';
import type { KernelRecord } from '../model/record.ts';
import { decodeBatch } from '../signals/records.ts';
import { ContainerColumn } from '../views/container-column.ts';
import { isShown } from '../views/filter.ts';
import type { ViewArguments } from '../views/options.ts';
import type { IntervalSums } from './view-sums.ts';
import type { View, ViewPorts, ViewRow, ViewRun, ViewTools } from '../views/view.ts';

/** A reader of the last lines has so long to take what waits. */
const LAST_LINES_MS = 5000;
/** Standard output takes nothing. */
const EXIT_FAILED = 1;

export interface ViewLinesParts {
  readonly view: View;
  readonly args: ViewArguments;
  readonly tools: ViewTools;
  readonly owners: OwnerTable;
  readonly outputs: Outputs;
  /** What is shown besides what all views leave out; default: all. */
  isShown?(record: KernelRecord): boolean;
  /** A record as this view is to see it; default: as it is. */
  seen?(record: KernelRecord): KernelRecord;
}

/** From records and sums to the lines of a view, wherever they come from. */
export class ViewLines {
  /** Nobody reads it any more. */
  isGone = false;
  readonly #parts: ViewLinesParts;
  readonly #run: ViewRun;
  readonly #containers: ContainerColumn;
  readonly #ports: ViewPorts;
  readonly #decoded: DecodeCounters = { decoded: 0, bad: 0 };
  #isClosed = false;
  /** Printed together: of one long write nothing is left out when nothing waits. */
  #lines: string[] = [];

  constructor(parts: ViewLinesParts) {
    const { view, args, tools, outputs } = parts;
    this.#parts = parts;
    this.#ports = view.ports?.(args) ?? {};
    this.#run = view.start(args, tools);
    this.#containers = new ContainerColumn(args, tools);
    outputs.stdout.onGone(() => (this.isGone = true));
  }

  /** It takes the whole terminal. */
  get isScreen(): boolean {
    return this.#parts.view.isScreen === true;
  }

  /** Whoever looks at it has enough. */
  get isOver(): boolean {
    return this.#run.isOver === true;
  }

  /** False: it has none. */
  header(): boolean {
    const { header } = this.#run;
    this.#run.begin?.();
    if (this.isScreen) return true;
    if (header === undefined || this.#parts.args.has('json')) return false;
    this.#lines.push(this.#containers.header(header));
    return true;
  }

  records(bytes: Uint8Array): void {
    const { args, owners, isShown: isWanted, seen } = this.#parts;
    decodeBatch(bytes, owners, this.#decoded, (record) => {
      if (record.kind === 'owner') this.#containers.note(record.owner);
      if (!isShown(record, args, this.#ports) || isWanted?.(record) === false) return;
      const row = this.#run.row(seen?.(record) ?? record);
      if (row === undefined) return;
      this.#show('owner' in record ? this.#containers.row(row, record.owner) : row);
    });
  }

  sums({ gains, histograms, listeners }: IntervalSums, unixNs: bigint): void {
    for (const row of this.#run.interval?.(gains, unixNs, histograms, listeners) ?? []) this.#show(row);
  }

  /** `nowNs`: CLOCK_MONOTONIC. */
  look(nowNs: bigint): void {
    for (const row of this.#run.look?.(nowNs) ?? []) this.#show(row);
  }

  #show({ lines, json }: ViewRow): void {
    if (!this.#parts.args.has('json')) for (const line of lines) this.#lines.push(line);
    else if (json !== undefined) this.#lines.push(JSON.stringify(json));
  }

  flush(): void {
    if (this.#lines.length > 0) this.#parts.outputs.stdout.write(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }

  say(words: string): void {
    const { say } = this.#run;
    if (say !== undefined && !this.#isClosed) say(words);
    else this.#parts.outputs.stderr.write(`wirespan ${this.#parts.view.name}: ${words}\n`);
  }

  /** Gives back what it took of the terminal; again is fine. */
  close(): void {
    this.#isClosed = true;
    this.#run.close?.();
  }

  /** Waits for who reads, for a while. */
  async drain(): Promise<void> {
    await this.#parts.outputs.stdout.drain(LAST_LINES_MS);
  }

  /** What comes at the end; then `last` is told, before the notes. The exit status. */
  async end(last: () => void = () => undefined): Promise<number> {
    const { stdout } = this.#parts.outputs;
    for (const row of this.#run.end?.() ?? []) this.#show(row);
    this.flush();
    this.close();
    await this.drain();
    const { failure } = stdout;
    // What is said from here on may go to the same file, and is no line of the view.
    const isWhole = stdout.dropped === 0 && !stdout.isBusy && failure === undefined;
    last();
    for (const note of this.#run.notes?.() ?? []) this.say(note);
    const why = failure ?? 'nobody reads it';
    if (this.isGone || isWhole) return 0;
    this.say(`lines are missing, since standard output did not take them: ${why}`);
    return EXIT_FAILED;
  }
}
